"""How often to look at a process, so that the looking stays within its share of CPU. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping

from collectors.capture.pyspy import Kind

# One round of a process: what runs first, so that new trouble is in the data within 20 s.
ROUND: tuple[tuple[Kind, int], ...] = (("cpu", 11), ("gil", 4), ("wall", 5))
ROUND_SECONDS = sum(seconds for _, seconds in ROUND)
MIN_HZ, MAX_HZ = 1, 20
# Of one core, for each service. At 20 Hz py-spy takes 0.9 % with 1 thread, 2.0 % with 8 and 6.1 % with 51.
SERVICE_SHARE = 0.0075
# CPU seconds, measured with py-spy 0.4 and CPython 3.11 with 2 threads. What a process really costs is learned as
# a factor on this.
START_SECONDS = 0.015
TICK_SECONDS = 0.0004
_NEWEST = 0.5

Factors = Mapping[Kind, float]


def cost(seconds: int, hz: int) -> float:
    """CPU seconds that one py-spy run is expected to take."""
    return START_SECONDS + seconds * hz * TICK_SECONDS


def learned(factor: float, seconds: int, hz: int, measured: float) -> float:
    """The new cost factor of a process after a run that took `measured` CPU seconds."""
    return factor + _NEWEST * (measured / cost(seconds, hz) - factor)


def rate(factors: Factors, cpu_share: float) -> int:
    """Samples a second at which a round takes `cpu_share` of one core; MIN_HZ where even that takes more."""
    starts = sum(factors.get(kind, 1.0) * START_SECONDS for kind, _ in ROUND)
    per_hz = sum(factors.get(kind, 1.0) * seconds * TICK_SECONDS for kind, seconds in ROUND)
    hz = (cpu_share * ROUND_SECONDS - starts) / per_hz
    return max(MIN_HZ, min(MAX_HZ, int(hz)))


def places(cpu_share: float) -> int:
    """How many services are sampled at once."""
    return max(1, round(cpu_share / SERVICE_SHARE))
