"""A profile becomes `wire.Stacks` of one of its values: as it is, or as what it rose by since the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from collectors import stackdigests, wire
from collectors.columns import Frame, StackColumns, StackSample
from collectors.formats.profile import BadProfile, Profile

_MOST_VALUE = 1 << 53  # the server refuses more
_MOST_DEPTH = 2_000  # the server keeps the innermost so many


@dataclass(frozen=True, slots=True)
class Meaning:
    """Which value of a foreign profile is which of ours."""

    value: str
    type: wire.ProfileType
    unit: wire.ProfileUnit


@dataclass(frozen=True, slots=True)
class Span:
    """Whose profile it is and of what time."""

    service: str
    labels: Mapping[str, str]
    start_ns: int
    end_ns: int
    capture_id: str | None = None


Values = list[int]


def values_of(profile: Profile, meaning: Meaning) -> Values:
    """One for each sample, none below 0. Raises BadProfile when the profile has no such value."""
    names = [each.type for each in profile.value_types]
    if meaning.value not in names:
        raise BadProfile(f"the profile has {', '.join(names)}, and no {meaning.value}")
    column = names.index(meaning.value)
    return [min(max(0, sample.values[column]), _MOST_VALUE) for sample in profile.samples]


def to_wire(profile: Profile, values: Values, meaning: Meaning, span: Span) -> wire.Stacks:
    """Samples of the value 0 are left out. A sampled profile has to say its period."""
    strings: dict[str, int] = {}

    def string(text: str) -> int:
        return strings.setdefault(text, len(strings))

    merged: dict[tuple[int, int], int] = {}
    for sample, value in zip(profile.samples, values, strict=True):
        if value:
            key = sample.stack, string(sample.thread)
            merged[key] = merged.get(key, 0) + value
    frames = [
        Frame(string(each.name), string(each.file), each.line, string(each.module)) for each in profile.frames
    ]
    return wire.Stacks(
        type=meaning.type,
        unit=meaning.unit,
        service=span.service,
        labels=dict(span.labels),
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        period=profile.period if meaning.unit == "samples" else 1,
        strings=list(strings),
        columns=StackColumns.of(
            frames,
            [stack[-_MOST_DEPTH:] for stack in profile.stacks],
            [StackSample(stack, thread, value, "active") for (stack, thread), value in merged.items()],
        ),
        capture_id=span.capture_id,
    )


class Increases:
    """Of values that only rise while a process lives, by stack."""

    def __init__(self) -> None:
        self._before: dict[tuple[bytes, str], int] | None = None

    def begin_anew(self) -> None:
        """Another process answers from now on: all that it has is new."""
        if self._before is not None:
            self._before = {}

    def of(self, profile: Profile, values: Values) -> Values | None:
        """What each rose by since the last call; None at the first, which only begins.

        Where one fell, or a stack that had some is gone, another process answers, too.
        """
        totals, keys = self._totals(profile, values)
        before, self._before = self._before, totals
        if before is None:
            return None
        if any(totals.get(key, 0) < value for key, value in before.items()):
            before = {}
        told: set[tuple[bytes, str]] = set()
        increases = []
        for key in keys:
            increases.append(0 if key in told else totals[key] - before.get(key, 0))
            told.add(key)
        return increases

    def _totals(
        self, profile: Profile, values: Values
    ) -> tuple[dict[tuple[bytes, str], int], list[tuple[bytes, str]]]:
        """By stack and thread, and the key of each sample: the same stack may come in several samples."""
        frames = [
            stackdigests.of_frame(one.name.encode(), one.file.encode(), one.line, one.module.encode())
            for one in profile.frames
        ]
        stacks = [stackdigests.of_path(map(frames.__getitem__, stack)) for stack in profile.stacks]
        keys = [(stacks[sample.stack], sample.thread) for sample in profile.samples]
        totals: dict[tuple[bytes, str], int] = {}
        for key, value in zip(keys, values, strict=True):
            totals[key] = totals.get(key, 0) + value
        return totals, keys
