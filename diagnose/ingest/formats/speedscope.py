"""speedscope's own file format, sampled and evented profiles. https://www.speedscope.app/file-format-schema.json"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from collectors.formats.inflate import inflated
from collectors.formats.profile import BadProfile, Frame, Profile, Sample, ValueType
from diagnose.ingest.formats.text import MAX_COUNT

MOST_BYTES = 32 * 1024 * 1024
MOST_FRAMES = 10_000_000
MOST_DEPTH = 10_000
Unit = Literal["none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"]
_FACTORS: dict[Unit, int] = {"microseconds": 10**3, "milliseconds": 10**6, "seconds": 10**9}


class _Frame(msgspec.Struct, frozen=True):
    name: str
    file: str | None = None
    line: int | None = None


class _Shared(msgspec.Struct, frozen=True):
    frames: list[_Frame]


class _Event(msgspec.Struct, frozen=True):
    type: Literal["O", "C"]
    frame: int
    at: float


class _Sampled(msgspec.Struct, frozen=True, tag_field="type", tag="sampled"):
    unit: Unit
    samples: list[list[int]]
    weights: list[float]
    name: str = ""


class _Evented(msgspec.Struct, frozen=True, tag_field="type", tag="evented"):
    unit: Unit
    events: list[_Event]
    name: str = ""


class _File(msgspec.Struct, frozen=True):
    shared: _Shared
    profiles: list[_Sampled | _Evented]


_decoder = msgspec.json.Decoder(_File)
_Weighed = tuple[tuple[int, ...], float]


def read(data: bytes) -> Profile:
    """Compressed or not; each profile in the file is a thread. Raises BadProfile that names the field."""
    try:
        file = _decoder.decode(inflated(data, MOST_BYTES))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadProfile(f"it is no speedscope file: {error}") from None
    units = {profile.unit for profile in file.profiles}
    kinds = {_value_type(unit) for unit in units}
    if len(kinds) != 1:
        raise BadProfile(
            f"profiles has units {', '.join(sorted(units)) or 'of none'}; all have to be of one kind"
        )
    frames = [Frame(one.name, one.file or "", _line(one.line)) for one in file.shared.frames]
    stacks: dict[tuple[int, ...], int] = {}
    samples: list[Sample] = []
    room = MOST_FRAMES
    for at, profile in enumerate(file.profiles):
        factor = _FACTORS.get(profile.unit, 1)
        for stack, weight in _weighed(profile, f"profiles[{at}]", len(frames)):
            room -= len(stack)
            if room < 0:
                raise BadProfile(f"the stacks have more than {MOST_FRAMES} frames: record a shorter time")
            number = stacks.setdefault(stack, len(stacks))
            samples.append(Sample(number, (_whole(weight * factor, f"profiles[{at}]"),), profile.name))
    return Profile(list(kinds), frames, list(stacks), samples)


def _value_type(unit: Unit) -> ValueType:
    if unit == "bytes":
        return ValueType("space", "bytes")
    return ValueType("samples", "count") if unit == "none" else ValueType("time", "nanoseconds")


def _line(line: int | None) -> int:
    return line if line is not None and 0 < line < 1 << 31 else 0


def _whole(weight: float, place: str) -> int:
    if not math.isfinite(weight) or not 0 <= weight <= MAX_COUNT:
        raise BadProfile(f"a weight of {place} is {weight:g}; 0 to {MAX_COUNT} is possible")
    return round(weight)


def _weighed(profile: _Sampled | _Evented, place: str, frames: int) -> Iterator[_Weighed]:
    if isinstance(profile, _Evented):
        return _between(profile.events, place, frames)
    if len(profile.samples) != len(profile.weights):
        raise BadProfile(f"{place} has {len(profile.samples)} samples and {len(profile.weights)} weights")
    for sample in profile.samples:
        if sample and not 0 <= min(sample) <= max(sample) < frames:
            raise BadProfile(f"{place}.samples has frame {max(sample)}; shared.frames has {frames}")
    return zip(map(tuple, profile.samples), profile.weights, strict=True)


def _between(events: Sequence[_Event], place: str, frames: int) -> Iterator[_Weighed]:
    """The open frames from each event until the next."""
    open_: list[int] = []
    before = events[0].at if events else 0.0
    for event in events:
        if not 0 <= event.frame < frames or not event.at >= before:
            raise BadProfile(
                f"{place}.events has frame {event.frame} at {event.at:g}; shared.frames has {frames}, and times rise"
            )
        if open_ and event.at > before:
            yield tuple(open_), event.at - before
        before = event.at
        if event.type == "O" and len(open_) < MOST_DEPTH:
            open_.append(event.frame)
        elif event.type == "O":
            raise BadProfile(f"{place}.events opens more than {MOST_DEPTH} frames at {event.at:g}")
        elif open_ and open_[-1] == event.frame:
            open_.pop()
        else:
            raise BadProfile(
                f"{place}.events closes frame {event.frame} at {event.at:g}, which is not the last opened"
            )
