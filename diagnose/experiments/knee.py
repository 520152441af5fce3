"""How much a service can take: where more load buys latency instead of throughput."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diagnose.experiments.loadtests.result import Step

LEAST_STEPS = 3
# Latency at the knee is several times that of an idle service; a test that never got there has not found it.
REACHED = 1.5


@dataclass(frozen=True, slots=True)
class Knee:
    """At `rate` a second the latency is `seconds`; `reached` False: the test ended before, it is more than that."""

    rate: float
    seconds: float
    reached: bool
    highest_rate: float


def knee(steps: Sequence[Step], quantile: float = 0.95) -> Knee | None:
    """The step with the most throughput for its latency, their quotient being largest (Kleinrock's power).

    None with fewer than three steps of that quantile: there is no curve.
    """
    points = [
        (each.rate, each.latency[quantile]) for each in steps if each.rate > 0 and each.latency.get(quantile)
    ]
    if len(points) < LEAST_STEPS:
        return None
    rate, seconds = max(points, key=lambda point: point[0] / point[1])
    idle = min(seconds for _, seconds in points)
    reached = max(seconds for _, seconds in points) >= REACHED * idle and rate < max(points)[0]
    return Knee(rate, seconds, reached, max(points)[0])
