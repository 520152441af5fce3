"""When each probe is due. Pure: the time comes in as an argument."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum

from collectors.probe import Probe

# Counters say nothing at their first reading, so that a second one soon after makes the first batch worth reading.
SECOND_READING_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 300.0
# A feature that the kernel or the privileges lack seldom appears; look again, but rarely.
NO_DATA_SECONDS = 60.0


class Result(Enum):
    """How a run of a probe ended."""

    OK = "ok"
    NO_DATA = "no data"
    FAILED = "failed"
    TIMED_OUT = "timed out"


@dataclass(slots=True)
class _Slot:
    probe: Probe
    due: float
    runs: int = 0
    troubles: int = 0
    running: bool = field(default=False)


class Schedule:
    """Runs keep their phase: a late one does not shift those after it, and missed ones are not made up for."""

    def __init__(self, probes: list[Probe], now: float) -> None:
        self.slowdown = 1.0
        self._slots = {probe.NAME: _Slot(probe, now) for probe in probes}

    def next_due(self) -> float:
        """When to look again; infinity when every probe is running."""
        return min((slot.due for slot in self._slots.values() if not slot.running), default=math.inf)

    def pop_due(self, now: float) -> Probe | None:
        """The probe that has waited longest, marked as running until `done`."""
        due = [slot for slot in self._slots.values() if not slot.running and slot.due <= now]
        if not due:
            return None
        slot = min(due, key=lambda s: s.due)
        slot.running = True
        return slot.probe

    def done(self, name: str, result: Result, now: float) -> None:
        """Set when the probe runs next: on time after success, later and later after trouble."""
        slot = self._slots[name]
        slot.running = False
        slot.runs += 1
        slot.troubles = 0 if result is Result.OK else slot.troubles + 1
        if slot.troubles:
            slot.due = now + self._pause_seconds(slot, result)
        elif slot.runs == 1:
            slot.due += min(SECOND_READING_SECONDS, slot.probe.INTERVAL_SECONDS)
        else:
            slot.due = _next_in_phase(slot.due, slot.probe.INTERVAL_SECONDS * self.slowdown, now)

    def _pause_seconds(self, slot: _Slot, result: Result) -> float:
        interval = slot.probe.INTERVAL_SECONDS
        first = NO_DATA_SECONDS if result is Result.NO_DATA else interval
        return max(interval, min(first * 2.0 ** min(slot.troubles, 16), MAX_BACKOFF_SECONDS))


def _next_in_phase(due: float, interval: float, now: float) -> float:
    return due + interval * max(1, math.ceil((now - due) / interval))
