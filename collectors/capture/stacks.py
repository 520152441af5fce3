"""Recordings become `wire.Stacks`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from collectors import wire
from collectors.capture import folded
from collectors.capture.interned import Interned
from collectors.capture.pyspy import Kind, Recording
from collectors.columns import State
from collectors.processes.identity import Process

TYPES: dict[Kind, wire.ProfileType] = {"cpu": "cpu", "native": "cpu", "gil": "gil", "wall": "wall"}


def to_wire(recordings: Sequence[tuple[Process, Recording]], *, capture_id: str | None = None) -> wire.Stacks:
    """Recordings of one kind as one profile; of several processes each has a root of its own.

    `period` is the measured time that one sample stands for. py-spy's raw form has no time per sample, so offsets stay
    unknown. py-spy's `wall` holds all threads without telling which ran: recordings of `cpu` beside it tell for each
    stack how much of its time it ran, and the rest was idle; without them the state is unknown.
    """
    kinds = {recording.order.kind for _, recording in recordings}
    kind: Kind = "wall" if "wall" in kinds else next(iter(kinds))
    main = [(process, recording) for process, recording in recordings if recording.order.kind == kind]
    seen = _Seen.of(recording for _, recording in main)
    running = _Seen.of(recording for _, recording in recordings if recording.order.kind != kind)
    processes = {process.pid: process for process, _ in main}
    interned = Interned()
    for stack, count in seen.counts.items():
        root = (folded.Frame(f"process {stack.pid}", "", 0),) if len(processes) > 1 else ()
        active = _active(seen, running, stack) if kind == "wall" else count
        for state, number in _states(count, active):
            interned.add((*root, *stack.frames), stack.thread, number, state)
    strings, columns = interned.columns()
    found = [recording for _, recording in main]
    return wire.Stacks(
        type=TYPES[kind],
        unit="samples",
        service=main[0][0].service,
        labels=labels(list(processes)),
        start_ns=min(recording.start_ns for recording in found),
        end_ns=max(recording.end_ns for recording in found),
        period=_period_ns(found),
        strings=strings,
        columns=columns,
        capture_id=capture_id,
    )


class _Stack(NamedTuple):
    pid: int
    thread: str
    frames: tuple[folded.Frame, ...]


@dataclass(slots=True)
class _Seen:
    """How often each stack was seen, and in how many looks at its process."""

    ticks: Counter[int] = field(default_factory=Counter)
    counts: Counter[_Stack] = field(default_factory=Counter)

    @classmethod
    def of(cls, recordings: Iterable[Recording]) -> _Seen:
        found = cls()
        for recording in recordings:
            found.ticks[recording.order.pid] += recording.ticks
            for line in folded.parse(recording.text):
                found.counts[_Stack(recording.order.pid, line.thread, line.frames)] += line.count
        return found


def _active(seen: _Seen, running: _Seen, stack: _Stack) -> int | None:
    """Of the times that a stack was seen, those in which it ran; None when nobody looked at what runs."""
    looks = running.ticks[stack.pid]
    if not looks:
        return None
    return min(seen.counts[stack], round(running.counts[stack] / looks * seen.ticks[stack.pid]))


def _states(count: int, active: int | None) -> list[tuple[State, int]]:
    if active is None:
        return [("unknown", count)]
    parts: list[tuple[State, int]] = [("active", active), ("idle", count - active)]
    return [(state, number) for state, number in parts if number]


def labels(pids: Sequence[int]) -> dict[str, str]:
    """What a profile says of its processes beside the service."""
    return {"pid": str(pids[0])} if len(pids) == 1 else {}


def _period_ns(recordings: Sequence[Recording]) -> int:
    """Measured, since a run does not last exactly as long as asked."""
    seconds = sum(recording.seconds for recording in recordings)
    return max(1, round(seconds * 1e9 / sum(recording.ticks for recording in recordings)))
