"""How long a resource lasts that fills up: from its level over the last hours to a time with an interval.

The growth is the median of the slopes between all pairs of readings (Theil and Sen), its 90 % interval that of Sen
(1968), from the variance of Kendall's score; a few wild readings move neither. No time is told where the level comes
back by itself (collections, rotated logs, pools that breathe), where growth ends or may be noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

State = Literal["fills", "steady", "returns", "levels off", "too early"]
# Readings; with fewer the interval is as wide as the guess.
LEAST_READINGS = 15
# Of which a forecast is made, each the median of as many as it takes.
MOST_READINGS = 90
# s; growth over less time is more likely a service that starts.
LEAST_SECONDS = 600.0
# Of the whole rise; what falls back by more comes back by itself.
RETURNS = 0.3
# Of the growth before; what grows slower than this lately is about to end.
LEVELS_OFF = 0.3
# s; a month ahead is no news.
HORIZON_SECONDS = 30 * 86400.0
# of the normal distribution, two-sided 90 %
Z = 1.6449
# The level now is that of so many readings.
_RECENT = 3


@dataclass(frozen=True, slots=True)
class Forecast:
    """`per_second` is the growth with its interval; the times to the limit are None unless the state is `fills`.

    `latest` is never None then: growth whose interval holds zero is no growth.
    """

    state: State
    level: float
    limit: float
    per_second: float = 0.0
    slowest: float = 0.0
    fastest: float = 0.0
    seconds: float | None = None
    soonest: float | None = None
    latest: float | None = None

    @property
    def share(self) -> float:
        return self.level / self.limit


@dataclass(frozen=True, slots=True)
class Outlook:
    """The forecast of one resource (a name in `resources`), and the labels of what it belongs to."""

    resource: str
    labels: Mapping[str, str]
    forecast: Forecast


def forecast(times_ns: NDArray[np.int64], values: NDArray[np.float64], limit: float) -> Forecast | None:
    """Of readings in order of time. None without any, or without a limit that means something."""
    known = np.isfinite(values)
    times, levels = times_ns[known], values[known]
    if not len(levels) or not math.isfinite(limit) or limit <= 0:
        return None
    level = float(np.median(levels[-_RECENT:]))
    times, levels = _thinned(times, levels)
    seconds = (times - times[0]) / 1e9
    if len(levels) < LEAST_READINGS or seconds[-1] - seconds[0] < LEAST_SECONDS:
        return Forecast("too early", level, limit)
    middle, low, high = growth(seconds, levels)
    if low <= 0:
        return Forecast("steady", level, limit, middle, low, high)
    smooth = _smooth(levels)
    if _fall(smooth) > RETURNS * float(smooth[-1] - smooth[0]):
        return Forecast("returns", level, limit, middle, low, high)
    lately, slowest, _ = growth(*_last_third(seconds, levels))
    if slowest <= 0 or lately < LEVELS_OFF * middle:
        return Forecast("levels off", level, limit, middle, low, high)
    return _until(level, limit, min(middle, lately), min(low, slowest), max(high, lately))


def _thinned(
    times_ns: NDArray[np.int64], levels: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The medians of blocks of one length: all pairs of many readings would be dear."""
    size = -(-len(levels) // MOST_READINGS)
    if size <= 1:
        return times_ns, levels
    begin = len(levels) % size  # the newest stay
    return times_ns[begin::size], np.median(levels[begin:].reshape(-1, size), axis=1)


def _until(level: float, limit: float, middle: float, low: float, high: float) -> Forecast:
    left = max(limit - level, 0.0)
    if left / middle > HORIZON_SECONDS:
        return Forecast("steady", level, limit, middle, low, high)
    return Forecast("fills", level, limit, middle, low, high, left / middle, left / high, left / low)


def growth(seconds: NDArray[np.float64], levels: NDArray[np.float64]) -> tuple[float, float, float]:
    """Per second: the median slope, and the bounds of its 90 % interval."""
    first, second = np.triu_indices(len(levels), 1)
    apart = seconds[second] - seconds[first]
    slopes = np.sort((levels[second] - levels[first])[apart > 0] / apart[apart > 0])
    count, n = len(slopes), len(levels)
    if not count:
        return 0.0, 0.0, 0.0
    half = Z * math.sqrt(n * (n - 1) * (2 * n + 5) / 18) * _dependence(seconds, levels)
    low, high = (int(np.clip(round((count + side * half) / 2), 0, count - 1)) for side in (-1, 1))
    return float(np.median(slopes)), float(slopes[low]), float(slopes[high])


def _dependence(seconds: NDArray[np.float64], levels: NDArray[np.float64]) -> float:
    """By how much readings that hang together widen the interval: a level now is much like the one before.

    That of a first-order autoregression of what is left beside the line, at most tenfold.
    """
    scaled = levels / max(float(np.abs(levels).max()), 1e-300)
    left = scaled - np.polyval(np.polyfit(seconds, scaled, 1), seconds)
    spread = float(left @ left)
    if spread <= 1e-18 * len(left):
        return 1.0
    again = max(0.0, float(left[1:] @ left[:-1]) / spread)
    again += (
        (1 + 4 * again) / len(left) if again > 0 else 0.0
    )  # what few readings make it too small (Kendall, 1954)
    return min(10.0, math.sqrt((1 + again) / max(1 - again, 0.01)))


def _last_third(
    seconds: NDArray[np.float64], levels: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    begin = int(np.searchsorted(seconds, seconds[0] + (seconds[-1] - seconds[0]) * 2 / 3))
    begin = min(begin, len(levels) - 4)
    return seconds[begin:], levels[begin:]


def _smooth(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of three: one reading alone is no fall."""
    padded = np.concatenate((levels[:1], levels, levels[-1:]))
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1)


def _fall(levels: NDArray[np.float64]) -> float:
    """The furthest it ever came back from the highest it had been."""
    return float((np.maximum.accumulate(levels) - levels).max())
