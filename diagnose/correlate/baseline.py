"""What is usual for a series: the range of past readings, of the same hours of the day where there are enough days.

Quantiles, not means: a day with an incident in it does not move what is usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Of past readings between the bounds of what is usual.
LOW, HIGH = 0.05, 0.95
# Readings; with fewer nothing is usual yet.
LEAST_READINGS = 24
# Days that have the hour before it counts alone, and the hours on either side that count with it.
LEAST_DAYS, HOURS_AROUND = 3, 1
# A spread of nothing would make any other reading infinitely unusual: of the level, at least so much.
LEAST_SPREAD = 0.05
# The median absolute deviation of a normal distribution is that part of its standard deviation.
MAD_OF_DEVIATION = 0.6745
_HOUR_NS, _DAY_HOURS = 3600 * 10**9, 24


@dataclass(frozen=True, slots=True)
class Baseline:
    """`deviation` is a robust standard deviation; `days` is how many days of the same hour these are, or 0."""

    median: float
    deviation: float
    low: float
    high: float
    readings: int
    days: int

    def score(self, value: float) -> float:
        """How many deviations above (or, negative, below) what is usual."""
        spread = max(self.deviation, LEAST_SPREAD * abs(self.median))
        if spread == 0:
            return 0.0 if value == self.median else float(np.copysign(np.inf, value - self.median))
        return (value - self.median) / spread


def baseline(times_ns: NDArray[np.int64], values: NDArray[np.float64], at_ns: int) -> Baseline | None:
    """Of past readings, at the hour of `at_ns`. None when they are too few."""
    known = np.isfinite(values) & (times_ns < at_ns)
    times, past = times_ns[known], values[known]
    same, days = _same_hours(times, at_ns)
    if days >= LEAST_DAYS and int(same.sum()) >= LEAST_READINGS:
        past = past[same]
    else:
        days = 0
    if len(past) < LEAST_READINGS:
        return None
    low, median, high = (float(each) for each in np.quantile(past, (LOW, 0.5, HIGH)))
    deviation = float(np.median(np.abs(past - median))) / MAD_OF_DEVIATION
    return Baseline(median, deviation, low, high, len(past), days)


def _same_hours(times_ns: NDArray[np.int64], at_ns: int) -> tuple[NDArray[np.bool_], int]:
    """Which readings are of this hour of any day, or of the next to it; and of how many days."""
    hours = times_ns // _HOUR_NS
    apart = np.abs(hours % _DAY_HOURS - at_ns // _HOUR_NS % _DAY_HOURS)
    same = np.minimum(apart, _DAY_HOURS - apart) <= HOURS_AROUND
    # Whole days from here, so that 23:30 and 00:30 of one night are of one.
    ago = at_ns // _HOUR_NS - hours[same]
    return same, len(np.unique((ago + _DAY_HOURS // 2) // _DAY_HOURS))
