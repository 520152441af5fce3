"""How much of the bad moments pauses explain: collections, throttling, stalls against latency spikes or missing work.

Time is cut into bins. Of all that was too much (or too little) in bad bins, the share that fell into bins with a
pause, less what would have fallen there by chance: the share of bins that have one. Its interval is of a bootstrap
over blocks, since neighbouring bins hang together. That two things happen together in time is no proof that one makes
the other; that they do not is proof that it does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

# Bins; a few coincidences are no rule.
LEAST_BINS, LEAST_BAD, LEAST_PAUSED = 30, 3, 3
# Robust deviations above what is usual: a spike, a pause.
UNUSUAL = 3.0
# of the usual level; less is no spike that anybody feels
LEAST_RISE = 0.5
# Of all bins; who pauses all the time has no moments without to compare with.
MOST_PAUSED = 0.6
# A coincidence as close as this comes about once in so many.
CHANCE = 0.05
_RESAMPLES, _QUANTILES = 400, (0.05, 0.95)
_MAD_OF_DEVIATION = 0.6745


@dataclass(frozen=True, slots=True)
class Explained:
    """`share` of what was too much or too little, with its 90 % interval; `bad` of `bins` bins were, `both` of them
    with a pause. `chance`: how often as much comes together by itself."""

    share: float
    low: float
    high: float
    chance: float
    bins: int
    bad: int
    both: int


def spikes(values: Values) -> Values:
    """Of a latency by bin what is too much of it; 0 in good bins, and in those where nothing was measured."""
    return _beyond(values, np.nan_to_num(values, nan=-math.inf))


def drops(values: Values) -> Values:
    """Of a throughput by bin what is missing of it; 0 in good bins."""
    return _beyond(-values, np.nan_to_num(-values, nan=-math.inf))


def _beyond(known: Values, values: Values) -> Values:
    found = known[np.isfinite(known)]
    if not len(found):
        return np.zeros(len(values))
    usual = float(np.median(found))
    deviation = float(np.median(np.abs(found - usual))) / _MAD_OF_DEVIATION
    bound = usual + max(UNUSUAL * deviation, LEAST_RISE * abs(usual))
    return np.where((values > bound) & np.isfinite(values), values - usual, 0.0)


def paused(values: Values) -> NDArray[np.bool_]:
    """The bins with more of a pause than usual, and their neighbours: who waited in one is answered in the next, and
    what is counted at the end of an interval may have been in the one before."""
    known = np.nan_to_num(values)
    usual = float(np.median(known)) if len(known) else 0.0
    deviation = float(np.median(np.abs(known - usual))) / _MAD_OF_DEVIATION if len(known) else 0.0
    during: NDArray[np.bool_] = known > max(usual + UNUSUAL * deviation, 0.0)
    around = during.copy()
    around[1:] |= during[:-1]
    around[:-1] |= during[1:]
    return around


def explained(excess: Values, pauses: NDArray[np.bool_]) -> Explained | None:
    """None where there is too little of either to tell, or where they came together by chance."""
    bad, count = excess > 0, len(excess)
    if count < LEAST_BINS or bad.sum() < LEAST_BAD or not LEAST_PAUSED <= pauses.sum() <= MOST_PAUSED * count:
        return None
    chance = _by_chance(bad, pauses)
    if chance > CHANCE:
        return None
    usual = float(pauses.mean())
    share = _beyond_chance(float(excess @ pauses / excess.sum()), usual)
    low, high = _interval(excess, pauses, usual)
    both = int((bad & pauses).sum())
    return Explained(share, min(low, share), max(high, share), chance, count, int(bad.sum()), both)


def _by_chance(bad: NDArray[np.bool_], pauses: NDArray[np.bool_]) -> float:
    """How likely as many runs of bad bins meet a pause when they lie anywhere: a binomial tail, each run once."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], bad, [False])).astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    met = sum(bool(pauses[begin:end].any()) for begin, end in zip(begins, ends, strict=True))
    runs, longest = len(begins), round(float((ends - begins).mean()))
    around = np.convolve(np.concatenate((pauses, pauses[: longest - 1])), np.ones(longest), "valid") > 0
    likely = float(around.mean())
    return sum(
        math.comb(runs, hits) * likely**hits * (1 - likely) ** (runs - hits) for hits in range(met, runs + 1)
    )


def _beyond_chance(share: float, by_chance: float) -> float:
    return max(0.0, (share - by_chance) / (1 - by_chance)) if by_chance < 1 else 0.0


def _interval(excess: Values, pauses: NDArray[np.bool_], by_chance: float) -> tuple[float, float]:
    """Blocks of bins are drawn anew; always the same draws, so that the same readings have the same interval."""
    count, length = len(excess), max(2, round(math.sqrt(len(excess))))
    draws = np.random.default_rng(0).integers(0, count, (_RESAMPLES, -(-count // length)))
    places = ((draws[:, :, None] + np.arange(length)) % count).reshape(_RESAMPLES, -1)[:, :count]
    sums = excess[places].sum(axis=1)
    within = (excess[places] * pauses[places]).sum(axis=1)
    shares = within[sums > 0] / sums[sums > 0]
    low, high = np.quantile(shares, _QUANTILES) if len(shares) else (0.0, 1.0)
    return _beyond_chance(float(low), by_chance), _beyond_chance(float(high), by_chance)
