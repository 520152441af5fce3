"""Histograms as the rest of the server asks for them: added up exactly, as quantiles, and as a heat map over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.store import backend, intervals, schemes
from diagnose.store.intervals import Intervals
from diagnose.store.rows import HOUR_NS, NS_PER_MS
from diagnose.store.series import SeriesRef, ids_by_host


@dataclass(frozen=True, slots=True)
class HeatMap:
    """How often a duration fell into which bucket of a scheme, over time: `counts[i, j]` of bucket `first + j`.

    A column of it begins at `times_ns[i]`; only those in which something was counted are there. `sums` are the
    seconds that were observed in each.
    """

    scheme: str
    times_ns: NDArray[np.int64]
    first: int
    counts: NDArray[np.int64]
    sums: NDArray[np.float64]

    @property
    def edges(self) -> NDArray[np.float64]:
        """In seconds, one more than there are buckets."""
        return schemes.edges(self.scheme)[self.first : self.first + self.counts.shape[1] + 1]

    @property
    def count(self) -> int:
        return int(self.counts.sum())

    @property
    def sum(self) -> float:
        return float(self.sums.sum())

    def quantiles(self, wanted: Sequence[float]) -> NDArray[np.float64]:
        """Seconds, (times, wanted)."""
        return quantiles(self.counts, self.edges, wanted)

    def whole(self) -> HeatMap:
        """All of its time in one column."""
        counts, sums = self.counts.sum(axis=0, keepdims=True), self.sums.sum(keepdims=True)
        return HeatMap(self.scheme, self.times_ns[:1], self.first, counts, sums)


def quantiles(
    counts: NDArray[np.int64], edges: NDArray[np.float64], wanted: Sequence[float]
) -> NDArray[np.float64]:
    """Of each row of counts; within a bucket, what it holds is taken as spread evenly.

    So each is off by no more than the width of its bucket. A row without counts has NaN.
    """
    reached = np.cumsum(counts, axis=1)
    rows = np.arange(len(counts))
    found = np.full((len(counts), len(wanted)), np.nan)
    for place, share in enumerate(wanted):
        rank = share * reached[:, -1]
        at = np.argmax((reached >= rank[:, None]) & (reached > 0), axis=1)
        inside = counts[rows, at]
        part = (rank - (reached[rows, at] - inside)) / np.maximum(inside, 1)
        value = edges[at] + np.clip(part, 0, 1) * (edges[at + 1] - edges[at])
        found[:, place] = np.where(inside > 0, value, np.nan)
    return found


def merge(series: Sequence[SeriesRef], start_ns: int, end_ns: int) -> list[HeatMap]:
    """All of a range in one column, one for each scheme found: buckets of one scheme add up, those of two do not."""
    (found,) = over_time([series], start_ns, end_ns, points=1)
    return [one.whole() for one in found]


def over_time(
    groups: Sequence[Sequence[SeriesRef]], start_ns: int, end_ns: int, points: int
) -> list[list[HeatMap]]:
    """For each group of series a heat map of about `points` columns for each scheme found, by the scheme's name.

    Where a column stands for an hour or more, sums by the hour are read.
    """
    width_ms = max(1, (end_ns - start_ns) // NS_PER_MS // points)
    hourly = width_ms * NS_PER_MS >= HOUR_NS
    every = [ref for group in groups for ref in group]
    found = backend.metric_store().histograms(ids_by_host(every), start_ns, end_ns, hourly or points == 1)
    if hourly:
        width_ms = round(width_ms * NS_PER_MS / HOUR_NS) * HOUR_NS // NS_PER_MS
    return [
        [
            _heat_map(scheme, part, width_ms)
            for scheme, all_ in sorted(found.items())
            if len((part := _of_series(all_, group)).buckets)
        ]
        for group in groups
    ]


def _of_series(all_: Intervals, group: Sequence[SeriesRef]) -> Intervals:
    if len(group) == 1:  # an evaluation asks for hundreds of groups of one
        return all_.of_one(group[0].id)
    return all_.where(np.isin(all_.series, np.array([ref.id for ref in group], np.uint32)))


def _heat_map(scheme: str, part: Intervals, width_ms: int) -> HeatMap:
    columns, added = intervals.added_up(part, part.times_ms // width_ms)
    first = int(added.buckets.min(initial=len(schemes.edges(scheme))))
    last = int(added.buckets.max(initial=first - 1))
    counts = np.zeros((len(columns), last - first + 1), np.int64)
    counts[np.repeat(np.arange(len(columns)), added.lengths), added.buckets - first] = added.counts
    return HeatMap(scheme, columns * width_ms * NS_PER_MS, first, counts, added.sums)
