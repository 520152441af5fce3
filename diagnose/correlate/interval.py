"""What a share that was sampled is worth: its interval, and what removing it would win."""

from __future__ import annotations

import math

# two-sided 95 %
Z = 1.959964


def wilson(count: float, total: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of count/total; it holds for few samples and near 0 and 1."""
    share, z2 = min(1.0, max(0.0, count / total)), Z * Z  # a reading may be damaged
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def speed_up(share: float, factor: float) -> float:
    """Amdahl: how many times faster the whole gets when a `share` of it gets `factor` times faster."""
    return 1 / (1 - share + share / factor)
