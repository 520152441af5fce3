"""What enters the two stores: rows whose names are already numbers, and the batch they came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnose.store.blob import Counts, Ids

NS_PER_MS = 1_000_000
NS_PER_SECOND = 1_000_000_000
HOUR_NS = 3600 * NS_PER_SECOND
DAY_NS = 24 * HOUR_NS


class BatchName(NamedTuple):
    """What makes two batches the same."""

    host_id: int
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class BatchKey:
    """Names one batch for ever. `shift_ns` is what was added to its times, so that a repetition adds the same."""

    host_id: int
    epoch: str
    seq: int
    shift_ns: int = 0

    @property
    def name(self) -> BatchName:
        return BatchName(self.host_id, self.epoch, self.seq)


@dataclass(frozen=True, slots=True)
class ProfileGroup:
    """Profiles that may be added up: counts of one group have one meaning."""

    service_id: int
    type: str
    unit: str


@dataclass(frozen=True, slots=True)
class Offsets:
    """`counts[i]` of the samples of a profile were of `stack_ids[i]`, taken `offsets_ms[i]` after its start.

    Ascending by stack and offset, each pair once. Samples whose time is unknown are not among them.
    """

    stack_ids: Ids
    offsets_ms: NDArray[np.uint32]
    counts: Counts


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One profile of one host; `stack_ids` ascending and unique, each of their `counts` stands for `period_ns`."""

    group: ProfileGroup
    period_ns: int
    start_ns: int
    end_ns: int
    stack_ids: Ids
    counts: Counts
    labels: Mapping[str, str] = field(default_factory=dict)
    capture_id: str | None = None
    offsets: Offsets | None = None


@dataclass(frozen=True, slots=True)
class PointColumns:
    """Points of many series of one host; three columns of equal length."""

    series: NDArray[np.uint32]
    times_ns: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HistogramRow:
    """Counts by bucket index of one interval that ended at `time_ns`."""

    series_id: int
    time_ns: int
    scheme: str
    sum: float
    buckets: Ids
    counts: Counts


class ProfileBatch(NamedTuple):
    """The profiles of one batch; all of them are applied, or none."""

    key: BatchKey
    rows: Sequence[ProfileRow]


class MetricBatch(NamedTuple):
    """The points and histograms of one batch; all of them are applied, or none."""

    key: BatchKey
    points: PointColumns
    histograms: Sequence[HistogramRow] = ()
