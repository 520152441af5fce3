"""Weights of tiles that make the load of two sides alike, so that it explains no difference between them.

Loads are put into narrow bins. A tile afterwards counts where there was the same load before, and the tiles before get
the weights that make their loads as frequent as those afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.correlate.comparison.side import Floats

# Relative width of a bin of load. At 500 requests/s a tile of 10 s scatters by 1.4 %.
BIN = 0.05
# Tiles before that stand for one afterwards, where as many are no busier.
STAND_INS = 30
# Requests/s below which all loads are one: nearly idle.
LEAST_LOAD = 0.1


@dataclass(frozen=True, slots=True)
class Weights:
    """By tile; 0 leaves it out."""

    before: Floats
    after: Floats


def same_load(before: Floats, after: Floats) -> Weights:
    """Tiles of loads that occurred on both sides."""
    one, two = _bins(before), _bins(after)
    weights = np.zeros(len(before))
    for each in np.intersect1d(one, two):
        mine = one == each
        weights[mine] = np.count_nonzero(two == each) / np.count_nonzero(mine)
    return Weights(weights, np.isin(two, one).astype(np.float64))


def no_less_load(before: Floats, after: Floats) -> Weights:
    """Each tile afterwards beside those before of the same load, or the next lower ones where those are few.

    For troubles that grow with load: fewer of them at no less load cannot be the load's doing.
    """
    order = np.argsort(before, kind="stable")
    ends = np.searchsorted(before[order], after * (1 + BIN), side="right")
    begins = np.searchsorted(before[order], after * (1 - BIN))
    begins = np.clip(np.minimum(begins, ends - STAND_INS), 0, None)
    used = ends - begins >= STAND_INS // 2
    weights = np.zeros(len(before))
    for begin, end in zip(begins[used], ends[used], strict=True):
        weights[order[begin:end]] += 1 / (end - begin)
    return Weights(weights, used.astype(np.float64))


def alike(before: int, after: int) -> Weights:
    """All tiles, where the load is not known."""
    return Weights(np.ones(before), np.ones(after))


def _bins(load: Floats) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.floor(np.log(np.maximum(load, LEAST_LOAD)) / np.log1p(BIN)).astype(np.int64)
    return found
