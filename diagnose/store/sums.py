"""Adding up stored profiles whose samples may stand for different lengths of time.

Sampling rates follow a budget, so one service's profiles have many periods. Counts of one period add up as they are;
of several, each is first turned into what it stands for (nanoseconds, or bytes of an allocation profile).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from diagnose.store.blob import CorruptBlob, Counts, Ids, decode_counts, decode_many, is_wide

_MS = 1_000_000
_CHUNK_BYTES = 64_000
# Sums stay in 64 bits, and so do the totals of trees made of them.
_MOST = 1 << 62


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


def add_up(parts: Iterable[Part]) -> Sum:
    """The sum, in the parts' own period when they share one, else with one of 1, or as short as 64 bits allow."""
    by_period: dict[int, list[Part]] = defaultdict(list)
    for part in parts:
        by_period[max(1, part.period_ns)].append(part)
    running = {period: _Running(chosen) for period, chosen in by_period.items()}
    read = {period: one for period, one in running.items() if one.read}
    if len(read) == 1:
        ((common, only),) = read.items()
        totals = only.totals
    else:
        stands_for = sum(float(one.totals.sum()) * period for period, one in read.items())
        common = max(1, math.ceil(stands_for / _MOST))
        totals = np.zeros(max((len(one.totals) for one in read.values()), default=0), np.int64)
        for period, one in read.items():
            weights = one.totals * period if common == 1 else np.rint(one.totals * (period / common))
            totals[: len(one.totals)] += weights.astype(np.int64)
    present = np.flatnonzero(totals)
    samples = sum(one.samples for one in read.values())
    corrupt = sum(one.corrupt for one in running.values())
    return Sum(present.astype(np.uint32), totals[present], common, samples, corrupt)


class _Running:
    """Parts of one period added up: `totals` by stack id; how many parts were read, how many could not be.

    No host measures as much as 64 bits hold: what would go beyond is damaged, too.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.totals = np.zeros(0, np.int64)
        self.samples = self.read = self.corrupt = 0
        self._weight = 0.0
        wide = [part for part in parts if is_wide(part.blob)]
        for chunk in _chunks([part for part in parts if not is_wide(part.blob)] if wide else parts):
            self._read_chunk(chunk)
        for part in wide:
            self._read_wide(part)

    def _read_chunk(self, parts: list[Part]) -> None:
        ids, counts, lengths = decode_many([part.blob for part in parts])
        if not self._add(ids, counts):
            self.corrupt += len(parts)
            return
        running, ends = np.cumsum(counts), np.cumsum(np.maximum(lengths, 0))
        taken = np.diff(np.append(running, 0)[ends - 1] * (ends > 0), prepend=0)
        told = np.array([-1 if part.samples is None else part.samples for part in parts], np.int64)
        self.samples += int(np.where(told < 0, taken, told)[lengths >= 0].sum())
        self.read += int(np.count_nonzero(lengths >= 0))
        self.corrupt += int(np.count_nonzero(lengths < 0))

    def _read_wide(self, part: Part) -> None:
        try:
            ids, counts = decode_counts(part.blob)
        except CorruptBlob:
            self.corrupt += 1
            return
        if int(counts.min(initial=0)) < 0 or not self._add(ids, counts):
            self.corrupt += 1
            return
        self.samples += int(counts.sum()) if part.samples is None else part.samples
        self.read += 1

    def _add(self, ids: Ids, counts: Counts) -> bool:
        """Whether there was room."""
        weight = self._weight + float(counts.sum(dtype=np.float64))
        if weight > _MOST:
            return False
        self._weight = weight
        needed = int(ids.max()) + 1 if len(ids) else 0
        if needed > len(self.totals):
            self.totals = np.append(self.totals, np.zeros(needed - len(self.totals), np.int64))
        np.add.at(self.totals, ids, counts)
        return True


def _chunks(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """As many as a processor's cache holds decoded: all of a day at once takes twice as long."""
    chunk: list[Part] = []
    size = 0
    for part in parts:
        chunk.append(part)
        size += len(part.blob)
        if size > _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def together(sums: Sequence[Sum]) -> Sum:
    """Several sums as one, each weighing what it stands for: in samples of the mean period."""
    observed = sum(float(one.counts.sum()) * one.period_ns for one in sums)
    common = (
        sums[0].period_ns
        if len({one.period_ns for one in sums}) == 1
        else max(1, math.ceil(observed / _MOST))
    )
    stack_ids, place = np.unique(np.concatenate([one.stack_ids for one in sums]), return_inverse=True)
    totals = np.zeros(len(stack_ids), np.int64)
    weights = [np.rint(one.counts * (one.period_ns / common)).astype(np.int64) for one in sums]
    np.add.at(totals, place, np.concatenate(weights))
    samples, corrupt = sum(one.samples for one in sums), sum(one.corrupt for one in sums)
    return in_samples(Sum(stack_ids, totals, common, samples, corrupt))


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
