"""How sure the evidence makes us: one logistic model for all rules, its weights kept as data.

The log-odds are an intercept plus, for each line of evidence, the weight of its kind and role. A reading just at its
threshold carries the `marginal` part of that weight, one that leaves no doubt carries all of it. Evidence that could
not be gathered lowers the result: it is never read as zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from diagnose.correlate.rule import Evidence, Kind, Role


@dataclass(frozen=True, slots=True)
class Weights:
    """Log-odds by kind and role. `shown_at` is the least confidence that makes a finding."""

    version: int
    calibrated: bool
    origin: str
    intercept: float
    supports: Mapping[Role, float]
    contradicts: Mapping[Role, float]
    missing: Mapping[Role, float]
    marginal: float
    highest: float
    shown_at: float

    def of(self, kind: Kind) -> Mapping[Role, float]:
        return {"supports": self.supports, "contradicts": self.contradicts, "missing": self.missing}[kind]


def confidence(evidence: Iterable[Evidence], weights: Weights) -> float:
    """0…`weights.highest`."""
    log_odds = weights.intercept + sum(_weight(line, weights) for line in evidence)
    return min(weights.highest, 1 / (1 + math.exp(-log_odds)))


def _weight(line: Evidence, weights: Weights) -> float:
    clarity = 1.0 if line.kind == "missing" else weights.marginal + (1 - weights.marginal) * line.strength
    return weights.of(line.kind)[line.role] * clarity
