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
    Readings,
)
from diagnose.ingest.formats.stacks import profile_of
from diagnose.ingest.formats.text import MAX_COUNT, checked_labels, checked_name, cut
from diagnose.store.serieskeys import key_of

MAX_BUCKET = 4_096
_TEXT_CHARS = 4_000


def read(samples: Iterable[wire.Sample], skipped: int, clock: Clock) -> Content:
    """`skipped` is how many samples were of unknown kinds. Raises Malformed."""
    points: list[wire.Points] = []
    content = Content(_EMPTY, [], [], [], [], [], 0, 0)
    for sample in samples:
        match sample:
            case wire.Points():
                points.append(sample)
            case wire.Stacks():
                content.profiles.append(profile_of(sample, clock))
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
