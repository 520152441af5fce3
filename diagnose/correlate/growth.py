"""Whether readings grow: a trend that a few odd readings do not move, with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.correlate.samples import Series

# readings; fewer give no slope worth an interval
LEAST_READINGS = 5
# s; a service that starts opens and loads what it needs within this
LEAST_SPAN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Growth:
    """Units a second: the median of the slopes between halves of the window, with the quartiles as its interval.

    `steady` is the share of steps that did not fall.
    """

    per_second: float
    low: float
    high: float
    steady: float


def growth(series: Series, least_readings: int = LEAST_READINGS) -> Growth | None:
    """From the slopes between each reading and the one half a window later."""
    half = len(series.values) // 2
    if len(series.values) < least_readings:
        return None
    if series.times_ns[-1] - series.times_ns[0] < LEAST_SPAN_SECONDS * 1e9:
        return None
    seconds = (series.times_ns[half:] - series.times_ns[: len(series.times_ns) - half]) / 1e9
    slopes = (series.values[half:] - series.values[: len(series.values) - half]) / seconds
    ordered = np.sort(slopes)
    low, middle, high = (float(ordered[round(place * (len(ordered) - 1))]) for place in (0.25, 0.5, 0.75))
    steady = np.count_nonzero(series.values[1:] >= series.values[:-1]) / (len(series.values) - 1)
    return Growth(middle, low, high, steady)


def later_by_earlier(series: Series) -> float | None:
    """How fast it grew in the later half of the window, in times of the earlier half; None where that had no growth.

    A leak stays near 1; what fills up to a size, such as a cache, falls.
    """
    middle = len(series.values) // 2
    first, half, last = (float(series.values[at]) for at in (0, middle, -1))
    earlier, later = (
        float(series.times_ns[end] - series.times_ns[begin]) for begin, end in ((0, middle), (middle, -1))
    )
    if half <= first or not earlier or not later:
        return None
    return (last - half) / later / ((half - first) / earlier)
