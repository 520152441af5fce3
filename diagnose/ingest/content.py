"""What a format yields: a batch's content with names still in words, its times already those of the server."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.store.dictionary import FrameKey, Paths
from diagnose.store.serieskeys import SeriesKey


class Malformed(Exception):
    """A batch that cannot be read, now or ever; the message has the value, the place and the remedy."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The i-th of `paths` was seen `counts[i]` times in the thread `threads[i]`."""

    service: str
    type: str
    unit: str
    period_ns: int
    start_ns: int
    end_ns: int
    labels: dict[str, str]
    capture_id: str | None
    frames: list[FrameKey]
    paths: Paths
    threads: list[str]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Readings:
    """Points of many series: the first `lengths[0]` of `times_ns` and `values` are of `keys[0]`, and so on."""

    keys: list[SeriesKey]
    counters: list[bool]
    lengths: list[int]
    times_ns: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Distribution:
    """One interval's histogram, buckets by ascending index."""

    key: SeriesKey
    time_ns: int
    scheme: str
    sum: float
    buckets: NDArray[np.uint32]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FactReading:
    name: str
    value: str
    time_ns: int


@dataclass(frozen=True, slots=True)
class EventReading:
    kind: str
    time_ns: int
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class ProbeReading:
    """How a probe's last run in this batch went."""

    probe: str
    ok: bool
    reason: str
    seconds: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Content:
    """`skipped` counts samples of unknown kinds and points that are no numbers, `clamped` times that were ahead."""

    readings: Readings
    distributions: list[Distribution]
    profiles: list[Profile]
    facts: list[FactReading]
    events: list[EventReading]
    probes: list[ProbeReading]
    skipped: int
    clamped: int
