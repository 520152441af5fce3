"""Points summed up: per bucket of a step the least, the greatest, the sum and the number, and the time they cover.

A piece is one hour (or day) of one series in buckets of a minute (or an hour). Pieces put together are cut anew into
buckets of any multiple of their step, so that a chart of a month still has the greatest value of every second in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Aggregate = Literal["rate", "avg", "max", "min", "sum"]
Times = NDArray[np.int64]
Values = NDArray[np.float64]

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
# An increase after a pause covers one interval, not the pause: the agent starts anew after it.
LONGEST_STEPS = 10
_REDUCE = np.minimum, np.maximum, np.add


class Coverage(NamedTuple):
    """When the readings of a piece lay; series of one probe share it. `starts_ms` are the buckets that have readings.

    A reading covers the time since the one before it. That of the piece's first reading is not in `covered_ms`:
    what was before lies in another piece. `usual_ms` is the median step, 0 where one reading tells of none.
    """

    starts_ms: Times
    counts: Times
    covered_ms: Times
    first_ms: int
    last_ms: int
    usual_ms: int


class Piece(NamedTuple):
    """`values` are three rows, the least, the greatest and the sum of each bucket."""

    series: int
    coverage: Coverage
    values: Values


def coverage(times_ms: Times, step_ms: int) -> Coverage:
    """Of ascending times, at least one."""
    steps = np.diff(times_ms)
    usual = usual_step(steps)
    steps = np.where((steps <= 0) | (steps > LONGEST_STEPS * usual), usual, steps)
    begins = bucket_begins(times_ms, step_ms)
    return Coverage(
        starts_ms=times_ms[begins] // step_ms * step_ms,
        counts=np.diff(begins, append=len(times_ms)),
        covered_ms=np.add.reduceat(np.concatenate((np.zeros(1, np.int64), steps)), begins),
        first_ms=int(times_ms[0]),
        last_ms=int(times_ms[-1]),
        usual_ms=usual,
    )


def usual_step(steps: Times) -> int:
    """The median of the steps forward; 0 when there is none."""
    forward = steps[steps > 0]
    return int(np.median(forward)) if len(forward) else 0


def bucket_begins(times_ms: Times, step_ms: int) -> NDArray[np.int64]:
    """Where in ascending times a new bucket begins."""
    return np.flatnonzero(np.diff(times_ms // step_ms, prepend=-1))


def extremes(values: Values, begins: NDArray[np.int64]) -> Values:
    """Least, greatest and sum of each bucket: `values` (…, points) give (3, …, buckets)."""
    return _reduced((values, values, values), begins)


def _reduced(rows: Iterable[Values], begins: NDArray[np.int64]) -> Values:
    """Of the least, the greatest and the sums, each reduced in its way."""
    with np.errstate(over="ignore"):  # beyond the greatest number there is only infinity
        return np.stack([how.reduceat(row, begins, axis=-1) for how, row in zip(_REDUCE, rows, strict=True)])


def piece(series: int, times_ms: Times, values: Values, step_ms: int) -> Piece:
    """Of ascending points, at least one."""
    return Piece(series, coverage(times_ms, step_ms), extremes(values, bucket_begins(times_ms, step_ms)))


def cut(
    pieces: Sequence[Piece], start_ms: int, end_ms: int, width_ms: int, how: Aggregate
) -> dict[int, tuple[Times, Values]]:
    """(times in ms, values) by series, in buckets of `width_ms` of what begins in the half-open range.

    `pieces` lie in order of series and time; a series without any value is absent.
    """
    rows = _Rows.of(pieces)
    chosen = (rows.starts_ms >= start_ms) & (rows.starts_ms < end_ms)
    if how == "rate":
        chosen &= rows.covered_ms > 0
    rows = rows.where(chosen)
    if not len(rows.series):
        return {}
    buckets = rows.starts_ms // width_ms
    begins = np.flatnonzero((np.diff(buckets, prepend=-1) != 0) | (np.diff(rows.series, prepend=-1) != 0))
    values = _aggregated(rows, begins, how)
    series, times = rows.series[begins], buckets[begins] * width_ms
    edges = [*np.flatnonzero(np.diff(series, prepend=-1)).tolist(), len(series)]
    return {int(series[begin]): (times[begin:end], values[begin:end]) for begin, end in pairwise(edges)}


def _aggregated(rows: _Rows, begins: NDArray[np.int64], how: Aggregate) -> Values:
    lows, highs, sums = rows.values
    if how == "min":
        return np.minimum.reduceat(lows, begins)
    if how == "max":
        return np.maximum.reduceat(highs, begins)
    with np.errstate(over="ignore"):
        added = np.add.reduceat(sums, begins)
    if how == "sum":
        return added
    if how == "rate":
        return added / (np.add.reduceat(rows.covered_ms, begins) / 1000)
    return added / np.add.reduceat(rows.counts, begins)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The buckets of all pieces in columns; `covered_ms` with the first readings' share."""

    series: Times
    starts_ms: Times
    counts: Times
    covered_ms: Times
    values: Values

    @classmethod
    def of(cls, pieces: Sequence[Piece]) -> _Rows:
        parts = [one.coverage for one in pieces]
        if not parts:
            none = np.empty(0, np.int64)
            return cls(none, none, none, none, np.empty((3, 0)))
        lengths = np.array([len(part.starts_ms) for part in parts])
        series = np.array([one.series for one in pieces], np.int64)
        covered = np.concatenate([part.covered_ms for part in parts])
        covered[np.cumsum(lengths) - lengths] += _first_covered(series, parts)
        return cls(
            np.repeat(series, lengths),
            np.concatenate([part.starts_ms for part in parts]),
            np.concatenate([part.counts for part in parts]),
            covered,
            np.concatenate([one.values for one in pieces], axis=1),
        )

    def where(self, chosen: NDArray[np.bool_]) -> _Rows:
        return _Rows(
            self.series[chosen],
            self.starts_ms[chosen],
            self.counts[chosen],
            self.covered_ms[chosen],
            self.values[:, chosen],
        )


def _first_covered(series: Times, parts: Sequence[Coverage]) -> Times:
    """What each piece's first reading covers: the time since the piece before, or the usual step where that is far."""
    gaps = np.concatenate((np.zeros(1, np.int64), _gaps(parts)))
    gaps[np.flatnonzero(np.diff(series, prepend=series[0]))] = 0
    usual = np.array([part.usual_ms for part in parts], np.int64)
    for lonely in np.unique(series[usual == 0]).tolist():  # a reading an hour: only the pieces together tell
        of_it = np.flatnonzero(series == lonely)
        told = usual[of_it][usual[of_it] > 0]
        usual[of_it[usual[of_it] == 0]] = np.median(told) if len(told) else usual_step(gaps[of_it])
    return np.where((gaps > 0) & (gaps <= LONGEST_STEPS * usual), gaps, usual)


def _gaps(parts: Sequence[Coverage]) -> Times:
    firsts = np.array([part.first_ms for part in parts], np.int64)
    lasts = np.array([part.last_ms for part in parts], np.int64)
    return firsts[1:] - lasts[:-1]
