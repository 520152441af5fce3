"""How sure a mean of readings is that depend on those before them: resampled in blocks, not one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
# Results must not differ from one evaluation to the next for chance alone.
_SEED = 20_260_501


def block_indices(
    count: int, block: int, resamples: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """(resamples, count): positions of readings, in runs of `block` that begin anywhere and wrap around."""
    block = max(1, min(block, count))
    runs = -(-count // block)
    starts = generator.integers(0, count, size=(resamples, runs, 1))
    return ((starts + np.arange(block)) % count).reshape(resamples, -1)[:, :count]


def mean_interval(values: NDArray[np.float64], block: int, level: float = 0.95) -> tuple[float, float] | None:
    """The interval of their mean; None of fewer than three."""
    if len(values) < 3:
        return None
    generator = np.random.default_rng(_SEED)
    means = values[block_indices(len(values), block, RESAMPLES, generator)].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
