"""One side of a comparison: what was counted, in tiles of equal length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measure:
    """What is compared. `own`: a signal that decides the finding; `quantile` of latency, None for a ratio of sums.

    `least` is the relative difference below which nobody cares.
    """

    name: str
    title: str
    unit: str
    own: bool = False
    quantile: float | None = None
    higher_is_worse: bool = True
    least: float = 0.05


@dataclass(frozen=True, slots=True)
class Ratio:
    """By tile; the value of a span is the sum of the one by the sum of the other."""

    numerators: Floats
    denominators: Floats


@dataclass(frozen=True, slots=True)
class Latency:
    """How many requests took how long, (tiles, buckets); bucket i reaches from `edges[i]` to `edges[i + 1]` seconds."""

    counts: Floats
    edges: Floats


@dataclass(frozen=True, slots=True)
class Side:
    """`load` is requests (or what stands for them) a second, by tile; None where nothing tells it."""

    tile_seconds: float
    load: Floats | None
    ratios: Mapping[str, Ratio] = field(default_factory=dict)
    latency: Latency | None = None

    @property
    def tiles(self) -> int:
        if self.load is not None:
            return len(self.load)
        some = next(iter(self.ratios.values()), None)
        if some is not None:
            return len(some.numerators)
        return 0 if self.latency is None else len(self.latency.counts)
