"""How much will be stored, and when that is too much: from the sizes of past days, without a clock or a table.

A day's growth is the median of the full days; its interval comes from their order, so that one odd day moves neither.
Then day after day is added at that rate, and what is past its retention taken away.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Limit = Literal["budget", "disk"]
# Older days tell of another load.
_MOST_DAYS = 28
# Of the interval of the median; with fewer than five days it is all of them, and covers less.
_COVERAGE = 0.9
# Sooner, today's share of a day says nothing.
_LEAST_DAY_SHARE = 1 / 24
_HORIZON_DAYS = 3650


@dataclass(frozen=True, slots=True)
class History:
    """Bytes of one class by age in days, 0 being today, and for how many days it is kept."""

    bytes_by_age: Mapping[int, int]
    kept_days: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Bytes a day; `low` and `high` are None when there are too few days to say."""

    median: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Full:
    """In how many days which limit is reached; `latest` None: at the low rate it never is."""

    limit: Limit
    days: int
    soonest: int | None
    latest: int | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """`level_bytes` is where retention holds it; `full` is None when that is within all limits."""

    rate: Rate
    level_bytes: float
    full: Full | None


def forecast(
    histories: Sequence[History], day_share: float, budget_bytes: int, free_bytes: float
) -> Forecast | None:
    """None while nothing is stored or the first day is too young; `free_bytes` is what may still be written."""
    found = [(history, rate) for history in histories if (rate := rate_of(history, day_share)) is not None]
    if not found:
        return None
    total = _summed(rate for _, rate in found)
    stored = sum(sum(history.bytes_by_age.values()) for history in histories)
    limits: dict[Limit, float] = {"budget": budget_bytes, "disk": stored + free_bytes}
    level = sum(rate.median * history.kept_days for history, rate in found)
    return Forecast(total, level, _full(found, limits))


def rate_of(history: History, day_share: float) -> Rate | None:
    """From the full days, or else from today's part of a day. The oldest day may have begun at noon."""
    past = [history.bytes_by_age[age] for age in sorted(history.bytes_by_age) if age > 0]
    sizes = sorted(past[:-1][:_MOST_DAYS])
    if sizes:
        low, high = interval(sizes)
        return Rate(_median(sizes), low, high)
    today = history.bytes_by_age.get(0)
    if today and day_share >= _LEAST_DAY_SHARE:
        return Rate(today / day_share)
    return Rate(past[0]) if past else None


def interval(ordered: Sequence[int]) -> tuple[float | None, float | None]:
    """Of the median, from order statistics: that it lies outside has a binomial probability, whatever the load."""
    count = len(ordered)
    if count < 2:
        return None, None
    outside, cut = 0.0, 0
    while cut < count // 2:
        outside += 2 * math.comb(count, cut) / 2**count
        if outside > 1 - _COVERAGE:
            break
        cut += 1
    place = max(0, cut - 1)
    return ordered[place], ordered[count - 1 - place]


def _median(ordered: Sequence[int]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _summed(rates: Iterable[Rate]) -> Rate:
    every = list(rates)
    lows = [rate.low for rate in every if rate.low is not None]
    highs = [rate.high for rate in every if rate.high is not None]
    known = len(lows) == len(every)
    return Rate(
        sum(rate.median for rate in every), sum(lows) if known else None, sum(highs) if known else None
    )


_Rated = Sequence[tuple[History, Rate]]


def _full(found: _Rated, limits: Mapping[Limit, float]) -> Full | None:
    limit: Limit = min(limits, key=lambda name: limits[name])
    days = _days_until(found, [rate.median for _, rate in found], limits[limit])
    if days is None:
        return None
    if any(rate.low is None or rate.high is None for _, rate in found):
        return Full(limit, days, None, None)
    soonest = _days_until(found, [rate.high or 0.0 for _, rate in found], limits[limit])
    latest = _days_until(found, [rate.low or 0.0 for _, rate in found], limits[limit])
    return Full(limit, days, soonest, latest)


def _days_until(found: _Rated, rates: Sequence[float], limit: float) -> int | None:
    """The first day on which more is stored than the limit; None when retention keeps it below for ever."""
    longest = max(history.kept_days for history, _ in found)
    for day in range(min(longest, _HORIZON_DAYS) + 1):
        if stored_on(day, found, rates) > limit:
            return day
    return None


def stored_on(day: int, found: _Rated, rates: Sequence[float]) -> float:
    """Bytes so many days from now: of today's days those still kept, and the new ones."""
    total = 0.0
    for (history, _), rate in zip(found, rates, strict=True):
        total += sum(size for age, size in history.bytes_by_age.items() if age + day <= history.kept_days)
        total += rate * min(day, history.kept_days)
    return total
