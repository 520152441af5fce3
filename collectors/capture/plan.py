"""How often to look at a process, so that the looking stays within its share of CPU. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping

from collectors.capture.pyspy import Kind

# One round of a process: what runs first, so that new trouble is in the data within 20 s.
ROUND: tuple[tuple[Kind, int], ...] = (("cpu", 11), ("gil", 4), ("wall", 5))
ROUND_SECONDS = sum(seconds for _, seconds in ROUND)
MIN_HZ, MAX_HZ = 1, 20
# To look who holds the lock is cheap, as one thread is read: often enough to tell a share of time from a round or two.
GIL_HZ = 10
# Of one core, for each service. At 20 Hz py-spy takes 0.9 % with 1 thread, 2.0 % with 8 and 6.1 % with 51.
SERVICE_SHARE = 0.0075
# CPU seconds, measured with py-spy 0.4 and CPython 3.11: to begin, for each look, and more for each thread. What a
# process really costs is learned as a factor on this.
START_SECONDS, START_SECONDS_THREAD = 0.015, 0.0005
LOOK_SECONDS, LOOK_SECONDS_THREAD = 0.0004, 0.00006
_NEWEST = 0.5

Factors = Mapping[Kind, float]


def cost(kind: Kind, seconds: int, hz: int, threads: int) -> float:
    """CPU seconds that one py-spy run is expected to take. For `gil` one thread is read, whatever their number."""
    look = LOOK_SECONDS + LOOK_SECONDS_THREAD * (1 if kind == "gil" else threads)
    return START_SECONDS + START_SECONDS_THREAD * threads + seconds * hz * look


def learned(factor: float, expected: float, measured: float) -> float:
    """The new cost factor of a process after a run that took `measured` CPU seconds."""
    return factor + _NEWEST * (measured / expected - factor)


def round_cost(factors: Factors, threads: int, hz: int) -> float:
    """CPU seconds that a whole round is expected to take."""
    return sum(
        factors.get(kind, 1.0) * cost(kind, seconds, hz_of(kind, hz), threads) for kind, seconds in ROUND
    )


def hz_of(kind: Kind, hz: int) -> int:
    """Looks a second of one step of a round that is looked at so often."""
    return GIL_HZ if kind == "gil" else hz


def rate(factors: Factors, threads: int, cpu_share: float) -> int:
    """Samples a second at which a round takes `cpu_share` of one core; MIN_HZ where even that takes more."""
    starts = round_cost(factors, threads, 0)
    hz = (cpu_share * ROUND_SECONDS - starts) / (round_cost(factors, threads, 1) - starts)
    return max(MIN_HZ, min(MAX_HZ, int(hz)))


def most_hz(threads: int) -> float:
    """More looks a second leave py-spy no time between them."""
    return 1 / (LOOK_SECONDS + LOOK_SECONDS_THREAD * threads)


def places(cpu_share: float) -> int:
    """How many services are sampled at once; the last of them may have to do with less than the others."""
    return max(1, math.ceil(round(cpu_share / SERVICE_SHARE, 6)))
