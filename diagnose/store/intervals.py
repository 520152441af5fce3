"""Histograms in columns: many intervals of many series with their buckets, and how they add up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnose.store.blob import CorruptBlob, compress, decompress, shuffled, unshuffled
from diagnose.store.decimals import unzigzag, zigzag

_INTERVALS = 10
_HEAD = np.dtype("<u4")
_U2, _U4, _U8, _F8 = np.dtype("<u2"), np.dtype("<u4"), np.dtype("<u8"), np.dtype("<f8")
_MOST_BUCKETS = 1 << 16


class Intervals(NamedTuple):
    """Of one scheme: the first `lengths[0]` of `buckets` and `counts` are of the first interval, and so on.

    An interval's buckets ascend; `sums` are of the observed values.
    """

    series: NDArray[np.uint32]
    times_ms: NDArray[np.int64]
    sums: NDArray[np.float64]
    lengths: NDArray[np.int64]
    buckets: NDArray[np.int64]
    counts: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> Intervals:
        cells = np.repeat(chosen, self.lengths)
        return Intervals(
            self.series[chosen],
            self.times_ms[chosen],
            self.sums[chosen],
            self.lengths[chosen],
            self.buckets[cells],
            self.counts[cells],
        )

    def of_one(self, series: int) -> Intervals:
        """Those of one series, where all are in order of series."""
        wanted = np.uint32(series)
        first = int(np.searchsorted(self.series, wanted, "left"))
        end = int(np.searchsorted(self.series, wanted, "right"))
        begin = int(self.lengths[:first].sum())
        rows, cells = slice(first, end), slice(begin, begin + int(self.lengths[first:end].sum()))
        return Intervals(
            self.series[rows],
            self.times_ms[rows],
            self.sums[rows],
            self.lengths[rows],
            self.buckets[cells],
            self.counts[cells],
        )


def joined(parts: Sequence[Intervals]) -> Intervals:
    """One after the other; at least one."""
    return Intervals(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def in_order(all_: Intervals) -> Intervals:
    """By series and time; those of one time in the order they were given."""
    order = np.lexsort((all_.times_ms, all_.series))
    begins = np.cumsum(all_.lengths) - all_.lengths
    lengths = all_.lengths[order]
    shift = begins[order] - (np.cumsum(lengths) - lengths)
    cells = np.arange(len(all_.buckets)) + np.repeat(shift, lengths)
    return Intervals(
        all_.series[order],
        all_.times_ms[order],
        all_.sums[order],
        lengths,
        all_.buckets[cells],
        all_.counts[cells],
    )


def added_up(all_: Intervals, groups: NDArray[np.int64]) -> tuple[NDArray[np.int64], Intervals]:
    """All intervals of one group as one: the groups that there are, and their sums, ascending.

    `groups` has a number for each interval; series and time are those of a group's first interval.
    """
    found, first, members = np.unique(groups, return_index=True, return_inverse=True)
    keys = np.repeat(members, all_.lengths) * _MOST_BUCKETS + all_.buckets
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.add.reduceat(all_.counts[order], begins) if len(begins) else all_.counts[:0]
    owners, buckets = np.divmod(keys[begins], _MOST_BUCKETS)
    return found, Intervals(
        all_.series[first],
        all_.times_ms[first],
        np.bincount(members, all_.sums, len(found)).astype(np.float64),
        np.bincount(owners, minlength=len(found)),
        buckets,
        counts,
    )


def encode(all_: Intervals) -> bytes:
    columns: tuple[NDArray[Any], ...] = (
        np.diff(all_.series.astype(np.int64), prepend=0).astype(_U4),
        zigzag(np.diff(all_.times_ms, prepend=0)).astype(_U8),
        all_.sums.astype(_F8),
        all_.lengths.astype(_U4),
        np.diff(all_.buckets, prepend=0).astype(_U2),
        all_.counts.astype(_U8),
    )
    head = np.array([len(all_.series), len(all_.buckets)], _HEAD).tobytes()
    return compress(_INTERVALS, head + b"".join(shuffled(column) for column in columns))


def decode(blob: bytes) -> Intervals:
    """Raises CorruptBlob."""
    version, raw = decompress(blob)
    if version != _INTERVALS or len(raw) < 2 * _HEAD.itemsize:
        raise CorruptBlob(f"format version {version} with {len(raw)} bytes is no list of histograms")
    rows, cells = np.frombuffer(raw[: 2 * _HEAD.itemsize], _HEAD).tolist()
    shape = ((rows, _U4), (rows, _U8), (rows, _F8), (rows, _U4), (cells, _U2), (cells, _U8))
    columns, at = [], 2 * _HEAD.itemsize
    for length, dtype in shape:
        columns.append(unshuffled(raw[at : at + length * dtype.itemsize], dtype))
        at += length * dtype.itemsize
    series, times, sums, lengths, buckets, counts = columns
    if at != len(raw) or int(lengths.sum()) != cells:
        raise CorruptBlob(f"{len(raw)} bytes are not {rows} histograms of {cells} buckets")
    return Intervals(
        np.cumsum(series, dtype=np.uint32),
        np.cumsum(unzigzag(times.astype(np.uint64))),
        sums.astype(np.float64),
        lengths.astype(np.int64),
        np.cumsum(buckets, dtype=np.uint16).astype(np.int64),
        counts.astype(np.int64),
    )
