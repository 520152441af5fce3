"""The collector's own format: wire samples become content, each bounded and checked once, here."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from collectors import wire
from diagnose.ingest.clock import Clock
from diagnose.ingest.content import (
    Content,
    Distribution,
    EventReading,
    FactReading,
    Malformed,
    ProbeReading,
    Profile,
    Readings,
)
from diagnose.ingest.formats.text import checked_labels, checked_name, cut, cut_all
from diagnose.store.dictionary import FrameKey, Paths, flattened
from diagnose.store.serieskeys import key_of

MAX_STACKS = 100_000
MAX_DEPTH = 2_000
MAX_BUCKET = 4_096
# Sums of this many stay exact in 64 bits and as a JSON number.
MAX_COUNT = 1 << 53
_MAX_TOTAL = 1 << 62
_FRAME_CHARS, _THREAD_CHARS, _SERVICE_CHARS, _TEXT_CHARS = 1_000, 200, 300, 4_000


def read(samples: Iterable[wire.Sample], skipped: int, clock: Clock) -> Content:
    """`skipped` is how many samples were of unknown kinds. Raises Malformed."""
    points: list[wire.Points] = []
    content = Content(_EMPTY, [], [], [], [], [], 0, 0)
    for sample in samples:
        match sample:
            case wire.Points():
                points.append(sample)
            case wire.Stacks():
                content.profiles.append(_profile(sample, clock))
            case wire.Histogram():
                content.distributions.append(_distribution(sample, clock))
            case wire.Fact():
                value = cut(sample.value, _TEXT_CHARS)
                content.facts.append(FactReading(cut(sample.name, 200), value, clock.time(sample.time)))
            case wire.Event():
                fields = {cut(k, 200): cut(v, _TEXT_CHARS) for k, v in sample.fields.items()}
                content.events.append(EventReading(cut(sample.event, 80), clock.time(sample.time), fields))
            case wire.ProbeStatus():
                content.probes.append(
                    ProbeReading(
                        cut(sample.probe, 80),
                        sample.ok,
                        cut(sample.reason, _TEXT_CHARS),
                        sample.seconds,
                        sample.bytes,
                    )
                )
    readings, unusable = _readings(points, clock)
    lists = content.distributions, content.profiles, content.facts, content.events, content.probes
    return Content(readings, *lists, skipped + unusable, clock.clamped)


_EMPTY = Readings([], [], [], np.empty(0, np.int64), np.empty(0, np.float64))


def _readings(points: list[wire.Points], clock: Clock) -> tuple[Readings, int]:
    """All points in columns, without those that are no numbers, and how many these were."""
    for one in points:
        if len(one.times) != len(one.values):
            raise Malformed(f"{one.metric}: {len(one.times)} times for {len(one.values)} values")
    keys = [key_of(checked_name(one.metric), checked_labels(one.labels)) for one in points]
    times = clock.times(_integers(chain.from_iterable(one.times for one in points), "a point's time"))
    values = np.fromiter(chain.from_iterable(one.values for one in points), np.float64)
    lengths = np.array([len(one.times) for one in points], np.int64)
    finite = np.isfinite(values)
    unusable = len(values) - int(np.count_nonzero(finite))
    if unusable:
        owner = np.repeat(np.arange(len(points)), lengths)
        times, values = times[finite], values[finite]
        lengths = np.bincount(owner[finite], minlength=len(points))
    return Readings(keys, [one.counter for one in points], lengths.tolist(), times, values), unusable


def _integers(values: Iterable[int], what: str) -> NDArray[np.int64]:
    try:
        return np.fromiter(values, np.int64)
    except OverflowError:
        raise Malformed(f"{what} does not fit into 64 bits") from None


def _distribution(sample: wire.Histogram, clock: Clock) -> Distribution:
    buckets = sorted(sample.buckets.items())
    if any(not 0 <= index < MAX_BUCKET or not 0 <= count <= MAX_COUNT for index, count in buckets):
        raise Malformed(f"{sample.metric}: a bucket is not in 0..{MAX_BUCKET - 1} or its count is impossible")
    return Distribution(
        key_of(checked_name(sample.metric), checked_labels(sample.labels)),
        clock.time(sample.time),
        sample.scheme,
        sample.sum,
        np.array([index for index, count in buckets if count], np.uint32),
        np.array([count for _, count in buckets if count], np.int64),
    )


def _profile(sample: wire.Stacks, clock: Clock) -> Profile:
    if len(sample.stacks) > MAX_STACKS or len(sample.samples) > 10 * MAX_STACKS:
        raise Malformed(
            f"{len(sample.stacks)} stacks of {sample.service!r}: at most {MAX_STACKS} in a profile"
        )
    if not 0 <= sample.period < MAX_COUNT:
        raise Malformed(f"period {sample.period} of {sample.service!r} is impossible")
    start_ns, end_ns = clock.time(sample.start_ns), clock.time(sample.end_ns)
    counts = _counts(sample)
    if sum(counts.values()) * max(1, sample.period) >= _MAX_TOTAL:
        raise Malformed(f"the samples of {sample.service!r} stand for more than 146 years; check its period")
    return Profile(
        service=cut(sample.service, _SERVICE_CHARS) or "unknown",
        type=sample.type,
        unit=sample.unit,
        period_ns=sample.period,
        start_ns=start_ns,
        end_ns=max(start_ns, end_ns),
        labels=checked_labels(sample.labels),
        capture_id=sample.capture_id,
        frames=_frames(sample),
        paths=_paths(sample, [stack for stack, _ in counts]),
        threads=[cut(sample.strings[thread], _THREAD_CHARS) for _, thread in counts],
        counts=np.array(list(counts.values()), np.int64),
    )


def _frames(sample: wire.Stacks) -> list[FrameKey]:
    strings = cut_all(sample.strings, _FRAME_CHARS)
    frames = sample.frames
    names, files, modules = [f.name for f in frames], [f.file for f in frames], [f.module for f in frames]
    lines = [f.line for f in frames]
    for numbers, end in (
        (names, len(strings)),
        (files, len(strings)),
        (modules, len(strings)),
        (lines, 1 << 31),
    ):
        if numbers and not 0 <= min(numbers) <= max(numbers) < end:
            raise Malformed(
                f"a frame of {sample.service!r} has a string or a line that is not in 0..{end - 1}"
            )
    at = strings.__getitem__
    return list(zip(map(at, names), map(at, files), lines, map(at, modules), strict=True))


def _paths(sample: wire.Stacks, chosen: list[int]) -> Paths:
    """The stacks that have samples. Of a very deep one the innermost frames are kept: there the time is spent."""
    stacks = [sample.stacks[number] for number in chosen]
    try:
        paths = flattened([stack if len(stack) <= MAX_DEPTH else stack[-MAX_DEPTH:] for stack in stacks])
    except OverflowError:
        raise Malformed(f"a frame number of {sample.service!r} does not fit into 64 bits") from None
    if len(paths.frames) and not 0 <= paths.frames.min() <= paths.frames.max() < len(sample.frames):
        raise Malformed(f"a stack of {sample.service!r} has a frame that is not in its list")
    return paths


def _counts(sample: wire.Stacks) -> dict[tuple[int, int], int]:
    """Counts by (stack, thread), those of all states and offsets added up."""
    counts: dict[tuple[int, int], int] = {}
    for one in sample.samples:
        if not (0 <= one.stack < len(sample.stacks) and 0 <= one.thread < len(sample.strings)):
            raise Malformed(f"a sample of {sample.service!r} names a stack or thread that is not in its list")
        if not 0 <= one.value <= MAX_COUNT:
            raise Malformed(f"a sample of {sample.service!r} counts {one.value}; 0 to 2**53 is possible")
        if one.value:
            key = one.stack, one.thread
            counts[key] = counts.get(key, 0) + one.value
    return counts
