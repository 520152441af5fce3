"""A pprof of another program's making as what the store keeps: one profile for each of its values that is known."""

from __future__ import annotations

from typing import Literal

from collectors import wire
from collectors.formats.profile import BadProfile, Profile
from collectors.formats.stacks import Meaning, Span, to_wire, values_of

# A pprof of contention says how long, and not of what.
Lock = Literal["mutex", "block"]
# The first that is there counts for each type of ours: samples are exact where both are there.
_MEANINGS = (
    Meaning("samples", "cpu", "samples"),
    Meaning("cpu", "cpu", "nanoseconds"),
    Meaning("wall", "wall", "nanoseconds"),
    Meaning("alloc_space", "alloc_space", "bytes"),
    Meaning("inuse_space", "inuse_space", "bytes"),
    Meaning("goroutine", "goroutine", "count"),
    Meaning("goroutines", "goroutine", "count"),
)
_SAMPLED = ("cpu", "wall")


def stacks_of(profile: Profile, span: Span, default_period_ns: int, lock: Lock) -> list[wire.Stacks]:
    """Those that have samples. `default_period_ns` is for files that state none. Raises BadProfile."""
    if not profile.period or profile.period_type.unit != "nanoseconds":
        profile.period = default_period_ns
    names = {each.type for each in profile.value_types}
    chosen: dict[str, Meaning] = {}
    for meaning in (*_MEANINGS, Meaning("delay", lock, "nanoseconds")):
        if meaning.value in names:
            chosen.setdefault(meaning.type, meaning)
    if not chosen:
        known = ", ".join(sorted({meaning.value for meaning in _MEANINGS}))
        raise BadProfile(f"it has the values {', '.join(sorted(names))}, and none of {known}, delay")
    found = (_one(profile, meaning, span) for meaning in chosen.values())
    return [one for one in found if one.columns.total]


def _one(profile: Profile, meaning: Meaning, span: Span) -> wire.Stacks:
    """Times of sampled kinds become samples again, so that they add up with those of collectors."""
    values = values_of(profile, meaning)
    if meaning.type in _SAMPLED and meaning.unit == "nanoseconds":
        values = [max(1, round(value / profile.period)) if value else 0 for value in values]
        meaning = Meaning(meaning.value, meaning.type, "samples")
    return to_wire(profile, values, meaning, span)
