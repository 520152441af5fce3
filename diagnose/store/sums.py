"""Adding up stored profiles whose samples may stand for different lengths of time.

Sampling rates follow a budget, so one service's profiles have many periods. Counts of one period add up as they are;
of several, each is first turned into what it stands for (nanoseconds, or bytes of an allocation profile).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diagnose.store.blob import CorruptBlob, Counts, Ids, decode_counts, summed

_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """A stored blob; one count stands for `period_ns`. `samples` None: as many as the counts add up to."""

    blob: bytes
    period_ns: int
    samples: int | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """`counts` each stand for `period_ns`; `samples` were taken; `corrupt` parts could not be read."""

    stack_ids: Ids
    counts: Counts
    period_ns: int
    samples: int
    corrupt: int = 0


def add_up(parts: Sequence[Part]) -> Sum:
    """The sum, in the parts' own period when they share one, else with a period of 1."""
    decoded: list[tuple[Ids, Counts, int, int]] = []
    for part in parts:
        try:
            ids, counts = decode_counts(part.blob)
        except CorruptBlob:
            continue
        samples = int(counts.sum()) if part.samples is None else part.samples
        decoded.append((ids, counts, max(1, part.period_ns), samples))
    corrupt = len(parts) - len(decoded)
    if not decoded:
        return Sum(np.empty(0, np.uint32), np.empty(0, np.int64), 1, 0, corrupt)
    periods = {period for _, _, period, _ in decoded}
    same = len(periods) == 1
    ids = np.concatenate([one[0] for one in decoded])
    counts = np.concatenate([one[1] if same else one[1] * one[2] for one in decoded])
    samples = sum(one[3] for one in decoded)
    return Sum(*summed(ids, counts), periods.pop() if same else 1, samples, corrupt)


def coarse(total: Sum) -> Sum:
    """For storing: times of many periods to the millisecond, which takes a third of the room. No stack vanishes."""
    if total.period_ns != 1 or not len(total.counts) or int(total.counts.min()) < 5 * _MS:
        return total
    counts = np.rint(total.counts / _MS).astype(np.int64)
    return Sum(total.stack_ids, counts, _MS, total.samples, total.corrupt)


def in_samples(total: Sum) -> Sum:
    """Counts as samples of the mean period, so that they tell how much evidence there is. No stack vanishes."""
    observed = int(total.counts.sum())
    if not total.samples or observed == total.samples:
        return total
    per_sample = observed / total.samples
    counts = np.maximum(1, np.rint(total.counts / per_sample)).astype(np.int64)
    return Sum(total.stack_ids, counts, round(per_sample * total.period_ns), total.samples, total.corrupt)
