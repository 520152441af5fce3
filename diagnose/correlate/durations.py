"""What histograms say together: how many durations there were, how long they took, and how many took longer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.correlate.samples import Histogram


@dataclass(frozen=True, slots=True)
class Durations:
    """Buckets with something in them, by where they begin; those of different series may overlap."""

    lows: NDArray[np.float64]
    highs: NDArray[np.float64]
    counts: NDArray[np.int64]
    sum_seconds: float

    @classmethod
    def of(cls, histograms: Iterable[Histogram]) -> Durations:
        """All of their time and labels taken together."""
        found = list(histograms)
        counts = np.concatenate([each.counts.sum(axis=0) for each in found] or [np.empty(0, np.int64)])
        lows = np.concatenate([each.edges[:-1] for each in found] or [np.empty(0)])
        highs = np.concatenate([each.edges[1:] for each in found] or [np.empty(0)])
        order = np.argsort(lows, kind="stable")
        order = order[counts[order] > 0]
        return cls(lows[order], highs[order], counts[order], sum(float(each.sums.sum()) for each in found))

    @classmethod
    def together(cls, parts: Iterable[Durations]) -> Durations:
        """Those of several times."""
        found = list(parts)
        lows = np.concatenate([each.lows for each in found] or [np.empty(0)])
        highs = np.concatenate([each.highs for each in found] or [np.empty(0)])
        counts = np.concatenate([each.counts for each in found] or [np.empty(0, np.int64)])
        order = np.argsort(lows, kind="stable")
        return cls(lows[order], highs[order], counts[order], sum(each.sum_seconds for each in found))

    @property
    def count(self) -> int:
        return int(self.counts.sum())

    @property
    def mean(self) -> float | None:
        """Seconds; None without any."""
        return self.sum_seconds / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """Seconds, off by no more than the width of a bucket; None without any."""
        if not self.count:
            return None
        reached = np.cumsum(self.counts)
        rank = share * reached[-1]
        at = int(np.searchsorted(reached, rank))
        inside = (rank - (reached[at] - self.counts[at])) / self.counts[at]
        return float(self.lows[at] + inside * (self.highs[at] - self.lows[at]))

    def longer_than(self, seconds: float) -> int:
        """How many began a bucket at or above it."""
        return int(self.counts[self.lows >= seconds].sum())
