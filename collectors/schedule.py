"""When each probe is due. Pure: the time comes in as an argument."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from collectors.probe import Probe

# Counters say nothing at their first reading, so that a second one soon after makes the first batch worth reading.
SECOND_READING_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 300.0
# A feature that the kernel or the privileges lack seldom appears; look again, but rarely.
NO_DATA_SECONDS = 60.0
# What tells the cost, and what settings it meets.
NEVER_RESTS = {"collector", "facts"}
# Weight of the newest run in the mean of what a probe costs.
_NEWEST = 0.25


class Result(Enum):
    """How a run of a probe ended."""

    OK = "ok"
    NO_DATA = "no data"
    NOT_YET = "not yet"
    FAILED = "failed"
    TIMED_OUT = "timed out"


@dataclass(slots=True)
class _Slot:
    probe: Probe
    due: float
    runs: int = 0
    troubles: int = 0
    running: bool = False
    cpu_share: float = 0.0


class Schedule:
    """Runs keep their phase: a late one does not shift those after it, and missed ones are not made up for."""

    def __init__(self, probes: list[Probe], now: float) -> None:
        self.slowdown = 1.0
        self._slots = {probe.NAME: _Slot(probe, now) for probe in probes}
        self._suspended: list[str] = []

    def next_due(self) -> float:
        """When to look again; infinity when every probe is running."""
        return min((slot.due for slot in self._waiting()), default=math.inf)

    def _waiting(self) -> Iterator[_Slot]:
        for name, slot in self._slots.items():
            if not slot.running and name not in self._suspended:
                yield slot

    def pop_due(self, now: float) -> Probe | None:
        """The probe that has waited longest, marked as running until `done`."""
        due = [slot for slot in self._waiting() if slot.due <= now]
        if not due:
            return None
        slot = min(due, key=lambda s: s.due)
        slot.running = True
        return slot.probe

    def named(self, name: str) -> Probe:
        return self._slots[name].probe

    def rests(self, name: str) -> bool:
        return name in self._suspended

    def suspend(self, number: int) -> list[str]:
        """Let the `number` dearest probes rest, and others go on. Those that rest from now on, for a report."""
        added = []
        del self._suspended[number:]
        while len(self._suspended) < number:
            awake = self._slots.keys() - {*self._suspended, *NEVER_RESTS}
            dearest = max(awake, key=lambda name: self._slots[name].cpu_share, default=None)
            if dearest is None:
                break
            self._suspended.append(dearest)
            added.append(dearest)
        return added

    def done(self, name: str, result: Result, now: float, cpu_seconds: float = 0.0) -> None:
        """Set when the probe runs next: on time after success, later and later after trouble."""
        slot = self._slots[name]
        share = cpu_seconds / slot.probe.INTERVAL_SECONDS
        slot.cpu_share += (share - slot.cpu_share) * _NEWEST
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
