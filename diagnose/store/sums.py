"""Adding up stored profiles whose samples may stand for different lengths of time.

Sampling rates follow a budget, so one service's profiles have many periods. Counts of one period add up as they are;
of several, each is first turned into what it stands for (nanoseconds, or bytes of an allocation profile).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.store.blob import CorruptBlob, Counts, Ids, decode_counts, decode_many, is_wide, summed

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
    narrow = [part for part in parts if not is_wide(part.blob)]
    ids, counts, lengths = decode_many([part.blob for part in narrow])
    wide, corrupt = _decoded_wide([part for part in parts if is_wide(part.blob)])
    corrupt += int(np.count_nonzero(lengths < 0))
    ids = np.concatenate([ids, *(one_ids for _, one_ids, _ in wide)])
    counts = np.concatenate([counts, *(one_counts for _, _, one_counts in wide)])
    lengths = np.concatenate((lengths, [len(one_ids) for _, one_ids, _ in wide])).astype(np.int64)
    parts = [*narrow, *(part for part, _, _ in wide)]
    return _summed(parts, ids, counts, lengths, corrupt)


def _decoded_wide(parts: Sequence[Part]) -> tuple[list[tuple[Part, Ids, Counts]], int]:
    found = []
    for part in parts:
        with suppress(CorruptBlob):
            found.append((part, *decode_counts(part.blob)))
    return found, len(parts) - len(found)


def _summed(parts: Sequence[Part], ids: Ids, counts: Counts, lengths: NDArray[np.int64], corrupt: int) -> Sum:
    """`lengths[i]` of the ids and counts, in turn, are those of `parts[i]`; -1 where it was corrupt."""
    readable = lengths >= 0
    lengths = np.maximum(lengths, 0)
    periods = np.array([max(1, part.period_ns) for part in parts], np.int64)
    distinct = np.unique(periods[readable])
    owner = np.repeat(np.arange(len(parts)), lengths)
    taken = np.zeros(len(parts), np.int64)
    np.add.at(taken, owner, counts)
    told = np.array([-1 if part.samples is None else part.samples for part in parts], np.int64)
    samples = int(np.where(told < 0, taken, told)[readable].sum())
    if len(distinct) > 1:
        counts = counts * periods[owner]
    return Sum(*summed(ids, counts), int(distinct[0]) if len(distinct) == 1 else 1, samples, corrupt)


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
