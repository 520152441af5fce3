"""What a format yields: a batch's content with names still in words, its times already those of the server."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.store.names import Names
from diagnose.store.serieskeys import SeriesKey


class Malformed(Exception):
    """A batch that cannot be read, now or ever; the message has the value, the place and the remedy."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is said of the samples `first` to `end` of its recording."""

    service: str
    type: str
    unit: str
    period_ns: int
    start_ns: int
    end_ns: int
    labels: dict[str, str]
    capture_id: str | None
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Recording:
    """Profiles that share names. The i-th sample is of the path `paths[i]` in the thread `threads[i]` of its names.

    `offsets` are milliseconds after the profile's start plus one, 0 where unknown; None when all are unknown.
    """

    names: Names
    profiles: list[Profile]
    paths: NDArray[np.int64]
    threads: NDArray[np.int64]
    counts: NDArray[np.int64]
    offsets: NDArray[np.int64] | None


@dataclass(frozen=True, slots=True)
class Readings:
    """Points of the series that `series` defines, a block for the format to read.

    The first `lengths[0]` of `times_ns` and `values` are of the first series, and so on.
    """

    series: bytes
    lengths: NDArray[np.int64]
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
    """`skipped` counts items of unknown kinds and points that are no numbers, `clamped` times that were ahead."""

    readings: list[Readings]
    distributions: list[Distribution]
    recordings: list[Recording]
    facts: list[FactReading]
    events: list[EventReading]
    probes: list[ProbeReading]
    skipped: int
    clamped: int
