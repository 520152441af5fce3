"""Each measure before and after, and the interval of its difference.

Tiles that follow one another are alike, so a side's uncertainty is that of resampled runs of tiles. The intervals hold
together: with five measures, each is that of 99 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from diagnose.correlate.bootstrap import block_indices
from diagnose.correlate.comparison import matching
from diagnose.correlate.comparison.matching import Weights
from diagnose.correlate.comparison.side import Floats, Latency, Measure, Side

LEVEL = 0.95
RUN_SECONDS = 60.0
RESAMPLES = 400
# Without three runs beyond the mean there is no telling how far one may lie off.
LEAST_FREEDOM = 3.0
# Requests that a quantile must have beyond it, on each side.
LEAST_BEYOND = 20.0
_SEED = 20_260_501

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """`low` and `high` bound the difference after − before; `tiles` are those that could be compared."""

    measure: Measure
    before: float
    after: float
    low: float
    high: float
    tiles_before: int
    tiles_after: int

    @property
    def difference(self) -> float:
        return self.after - self.before

    @property
    def relative(self) -> float | None:
        """Of the value before; None where that was nothing."""
        return self.difference / self.before if self.before else None

    @property
    def _sign(self) -> int:
        return 1 if self.measure.higher_is_worse else -1

    @property
    def _matters(self) -> bool:
        return self.relative is None or abs(self.relative) >= self.measure.least

    @property
    def better(self) -> bool:
        return self._matters and max(self._sign * self.low, self._sign * self.high) < 0

    @property
    def worse(self) -> bool:
        return self._matters and min(self._sign * self.low, self._sign * self.high) > 0

    @property
    def half_width(self) -> float:
        """Of the interval, relative to the value before."""
        half = (self.high - self.low) / 2
        return half / abs(self.before) if self.before else math.inf if half else 0.0


def estimates(before: Side, after: Side, measures: Sequence[Measure]) -> tuple[Estimate, ...]:
    """Of the measures that both sides have in comparable tiles."""
    same = _weights(before, after, own=False)
    no_less = _weights(before, after, own=True)
    found = []
    for measure in measures:
        estimate = _estimate(measure, before, after, no_less if measure.own else same, len(measures))
        if estimate is not None:
            found.append(estimate)
    return tuple(found)


def _weights(before: Side, after: Side, own: bool) -> Weights:
    if before.load is None or after.load is None:
        return matching.alike(before.tiles, after.tiles)
    match = matching.no_less_load if own else matching.same_load
    return match(before.load, after.load)


@dataclass(frozen=True, slots=True)
class _Known:
    """A side's value, its variance, and how many independent runs that is from."""

    value: float
    variance: float
    freedom: float
    tiles: int


def _estimate(
    measure: Measure, before: Side, after: Side, weights: Weights, together: int
) -> Estimate | None:
    one, two = _known(measure, before, weights.before), _known(measure, after, weights.after)
    if one is None or two is None:
        return None
    variance = one.variance + two.variance
    half = t_quantile(1 - (1 - LEVEL) / 2 / together, _freedom(one, two)) * math.sqrt(variance)
    difference = two.value - one.value
    return Estimate(measure, one.value, two.value, difference - half, difference + half, one.tiles, two.tiles)


def _known(measure: Measure, side: Side, weights: Floats) -> _Known | None:
    used: Places = np.flatnonzero(weights)
    run = max(1, round(RUN_SECONDS / side.tile_seconds))
    freedom = len(used) / run - 1
    if freedom < LEAST_FREEDOM:
        return None
    indices = block_indices(len(used), run, RESAMPLES, np.random.default_rng(_SEED))
    drawn = np.zeros((RESAMPLES + 1, len(used)))
    drawn[0] = 1.0  # the first is all of them as they were
    np.add.at(drawn, (np.arange(1, RESAMPLES + 1)[:, None], indices), 1.0)
    values = _values(measure, side, used, drawn * weights[used])
    if values is None or not np.isfinite(values).all():
        return None
    return _Known(float(values[0]), float(values[1:].var(ddof=1)), freedom, len(used))


def _values(measure: Measure, side: Side, used: Places, drawn: Floats) -> Floats | None:
    """One for each row of how often each tile was drawn."""
    if measure.quantile is not None:
        return _quantiles(side.latency, used, drawn, measure.quantile)
    ratio = side.ratios.get(measure.name)
    if ratio is None:
        return None
    below = drawn @ ratio.denominators[used]
    if not (below > 0).all():
        return None
    found: Floats = drawn @ ratio.numerators[used] / below
    return found


def _quantiles(latency: Latency | None, used: Places, drawn: Floats, share: float) -> Floats | None:
    if latency is None:
        return None
    reached = np.cumsum(drawn @ latency.counts[used], axis=1)
    if reached[0, -1] * (1 - share) < LEAST_BEYOND or not (reached[:, -1] > 0).all():
        return None
    rank = share * reached[:, -1]
    rows = np.arange(len(reached))
    at = np.argmax(reached >= rank[:, None], axis=1)
    lower = np.where(at > 0, reached[rows, np.maximum(at - 1, 0)], 0.0)
    part = (rank - lower) / np.maximum(reached[rows, at] - lower, 1e-9)
    found: Floats = latency.edges[at] + part * (latency.edges[at + 1] - latency.edges[at])
    return found


def _freedom(one: _Known, two: _Known) -> float:
    """Welch–Satterthwaite: of the side that is less sure."""
    total = one.variance + two.variance
    if not total:
        return min(one.freedom, two.freedom)
    return total**2 / (one.variance**2 / one.freedom + two.variance**2 / two.freedom)


def t_quantile(share: float, freedom: float) -> float:
    """Student's t from the normal distribution by its expansion in 1/freedom (Abramowitz and Stegun, 26.7.5)."""
    z = NormalDist().inv_cdf(share)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))
