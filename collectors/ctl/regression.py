"""Whether something became worse by more than was allowed, and whether the samples are enough to say so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Two-sided 95 %; a pipeline that looks at hundreds of functions needs far surer ones.
Z = 1.96
_MOST_FALSE_ALARMS = 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """A share or a figure on both sides, and between which bounds its growth lies; bounds are None where unknown."""

    name: str
    before: float
    after: float
    low: float | None = None
    high: float | None = None


def of_shares(
    before: Mapping[str, int], before_total: int, after: Mapping[str, int], after_total: int
) -> list[Change]:
    """How each function's own share of all samples grew, in points, largest first.

    The bounds (Newcombe's, of two Wilson intervals) hold for all functions together: the more there are, the wider.
    """
    names = {*before, *after}
    z = _z_of(_MOST_FALSE_ALARMS / max(1, len(names)))
    found = []
    for name in names:
        old, new = before.get(name, 0), after.get(name, 0)
        low, high = _bounds(old, before_total, new, after_total, z)
        found.append(Change(name, old / before_total, new / after_total, low, high))
    return sorted(found, key=lambda change: change.before - change.after)


def worse(changes: Iterable[Change], most: float) -> list[Change]:
    """Those that surely grew by more than `most`."""
    return [change for change in changes if change.low is not None and change.low > most]


def _bounds(old: int, old_total: int, new: int, new_total: int, z: float) -> tuple[float, float]:
    """Of new/new_total - old/old_total."""
    before, after = old / old_total, new / new_total
    old_low, old_high = wilson(old, old_total, z)
    new_low, new_high = wilson(new, new_total, z)
    low = after - before - math.hypot(after - new_low, old_high - before)
    high = after - before + math.hypot(new_high - after, before - old_low)
    return low, high


def wilson(hits: int, of: int, z: float = Z) -> tuple[float, float]:
    """Between which shares the true one lies."""
    share, square = hits / of, z * z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def _z_of(outside: float) -> float:
    """The z outside of which a normal value lies with this probability, both sides together; by bisection."""
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erfc(middle / math.sqrt(2)) > outside else (low, middle)
    return low
