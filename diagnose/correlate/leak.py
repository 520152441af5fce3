"""Whether open files leak, and how long the limit lasts then."""

from __future__ import annotations

import math

from diagnose.correlate.signals.process_files import OpenFilesOf
from diagnose.correlate.words import duration

# of the growth; connections that grow this fast explain it as load
LOAD_SHARE = 0.5
# of the forecast; an interval narrower than that is one figure to a reader
NARROW = 0.1
# of steps that do not fall; in-flight requests make a leak's curve ragged, but it does not come back
STEADY = 0.6


def leaks(process: OpenFilesOf) -> bool:
    """Growth that comes back in no part of the window and that connections do not explain."""
    growth = process.growth
    if growth is None or growth.low <= 0 or growth.steady < STEADY:
        return False
    return (process.connections_per_second or 0.0) < LOAD_SHARE * growth.per_second


def seconds_to_limit(process: OpenFilesOf) -> float | None:
    """From the last reading on, at the median growth; None when there is none."""
    growth = process.growth
    if growth is None or growth.per_second <= 0:
        return None
    return max(0, process.limit - process.open) / growth.per_second


def forecast(process: OpenFilesOf) -> str:
    """In words, with the interval where it says more than the figure; empty without growth."""
    seconds, growth = seconds_to_limit(process), process.growth
    if seconds is None or growth is None:
        return ""
    left = max(0, process.limit - process.open)
    soonest, latest = left / growth.high, left / growth.low if growth.low > 0 else math.inf
    told = duration(soonest), duration(latest) if growth.low > 0 else "never"
    if told[0] == told[1] or latest - soonest <= NARROW * seconds:
        return f"full in {duration(seconds)}"
    return f"full in {duration(seconds)} ({told[0]}–{told[1]})"
