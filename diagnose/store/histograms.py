"""Histograms as the rest of the server asks for them: intervals of one series that add up exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diagnose.store import backend
from diagnose.store.blob import Counts, Ids, summed
from diagnose.store.series import SeriesRef


@dataclass(frozen=True, slots=True)
class MergedHistogram:
    """Counts by bucket index of one scheme over a range; `sum` is that of the observed values."""

    scheme: str
    buckets: Ids
    counts: Counts
    sum: float


def merge(series: Sequence[SeriesRef], start_ns: int, end_ns: int) -> list[MergedHistogram]:
    """One for each scheme found; buckets of one scheme add up, those of two do not."""
    rows = backend.metric_store().histograms([ref.id for ref in series], start_ns, end_ns)
    merged = []
    for scheme in sorted({row.scheme for row in rows}):
        same = [row for row in rows if row.scheme == scheme]
        buckets = summed(
            np.concatenate([row.buckets for row in same]), np.concatenate([row.counts for row in same])
        )
        merged.append(MergedHistogram(scheme, *buckets, sum(row.sum for row in same)))
    return merged
