"""How often to look at whom, so that the looking stays within its share of CPU. Pure arithmetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from collectors.capture.choose import Candidate
from collectors.capture.pyspy import Kind

# One round of a process: short enough that new trouble is in the data within 20 s.
ROUND: tuple[tuple[Kind, int], ...] = (("cpu", 8), ("gil", 4), ("wall", 4))
ROUND_SECONDS = sum(seconds for _, seconds in ROUND)
MIN_HZ, MAX_HZ = 1, 20
# 100 looks of a kind, which a difference of two profiles needs, then take under a minute. Rather fewer processes
# than lower rates.
USEFUL_HZ = 8
# Each py-spy takes 5 MB or more while it runs.
MAX_PROCESSES = 6
# CPU seconds, measured with py-spy 0.4 and CPython 3.11 with 5 threads; twice that while other programs push it out
# of the CPU's caches. What a process really costs is learned as a factor on this.
START_SECONDS = 0.012
TICK_SECONDS = 0.0004
# Who has not been sampled for this long waits for a turn.
_TURN_SECONDS = 60.0
_NEWEST = 0.5


@dataclass(frozen=True, slots=True)
class Target:
    """A process to sample for one round, and how many times a second."""

    candidate: Candidate
    hz: int


def cost(seconds: int, hz: int) -> float:
    """CPU seconds that one py-spy run is expected to take."""
    return START_SECONDS + seconds * hz * TICK_SECONDS


def learned(factor: float, seconds: int, hz: int, measured: float) -> float:
    """The new cost factor of a process after a run that took `measured` CPU seconds."""
    return factor + _NEWEST * (measured / cost(seconds, hz) - factor)


def plan(
    candidates: Sequence[Candidate],
    factors: Mapping[int, float],
    waited: Mapping[int, float],
    cpu_share: float,
) -> list[Target]:
    """Whom to sample in the next round within `cpu_share` of one core, best first.

    `factors` are the learned costs and `waited` the seconds since a process was last sampled, both by pid. The
    second place goes round, so that the idle are seen now and then and the best in every round.
    Those who find a place get the useful rate; what is left raises all rates evenly. The very first always
    finds one, at whatever rate the budget allows.
    """
    left = cpu_share * ROUND_SECONDS
    unknown = sum(factors.values()) / len(factors) if factors else 1.0
    prices: dict[Candidate, float] = {}
    for candidate in _in_turn(_ranked(candidates), waited):
        factor = factors.get(candidate.process.pid, unknown)
        price = factor * sum(cost(seconds, USEFUL_HZ) for _, seconds in ROUND)
        if prices and (price > left or len(prices) == MAX_PROCESSES):
            continue
        prices[candidate] = price
        left -= price
    return [
        Target(candidate, _rate((price + left / len(prices)) / factors.get(candidate.process.pid, unknown)))
        for candidate, price in prices.items()
    ]


def _ranked(candidates: Sequence[Candidate]) -> list[Candidate]:
    """By weight; the second of a service counts half, the third a third: workers are much alike."""
    siblings: Counter[str] = Counter()
    scores: dict[Candidate, float] = {}
    for candidate in sorted(candidates, key=lambda candidate: candidate.weight, reverse=True):
        siblings[candidate.process.service] += 1
        scores[candidate] = candidate.weight / siblings[candidate.process.service]
    return sorted(candidates, key=scores.__getitem__, reverse=True)


def _in_turn(ranked: list[Candidate], waited: Mapping[int, float]) -> list[Candidate]:
    """With the one that waited longest in the second place."""

    def waits(candidate: Candidate) -> float:
        return waited.get(candidate.process.pid, 0.0)

    longest = max(ranked[1:], key=waits, default=None)
    if longest is None or waits(longest) < _TURN_SECONDS:
        return ranked
    return [ranked[0], longest, *(candidate for candidate in ranked[1:] if candidate is not longest)]


def _rate(cpu_seconds: float) -> int:
    """Samples a second that `cpu_seconds` of a round pay for."""
    ticks = (cpu_seconds - len(ROUND) * START_SECONDS) / TICK_SECONDS
    return max(MIN_HZ, min(MAX_HZ, int(ticks / ROUND_SECONDS)))
