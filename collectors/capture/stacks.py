"""Recordings become `wire.Stacks`."""

from __future__ import annotations

from collections.abc import Sequence

from collectors import wire
from collectors.capture import folded
from collectors.capture.interned import Interned
from collectors.capture.pyspy import Kind, Recording
from collectors.columns import State
from collectors.identity import Process

TYPES: dict[Kind, wire.ProfileType] = {"cpu": "cpu", "native": "cpu", "gil": "gil", "wall": "wall"}


def to_wire(recordings: Sequence[tuple[Process, Recording]], *, capture_id: str | None = None) -> wire.Stacks:
    """Recordings of one kind as one profile; of several processes each has a root of its own.

    `period` is the measured time that one sample stands for. py-spy's raw form has no time per sample, so offsets stay
    unknown. `wall` holds all threads without telling which ran, so their state is unknown; the others hold only those
    that ran.
    """
    found = [recording for _, recording in recordings]
    processes = {process.pid: process for process, _ in recordings}
    kind = found[0].order.kind
    interned = Interned()
    for process, recording in recordings:
        root = (folded.Frame(f"process {process.pid}", "", 0),) if len(processes) > 1 else ()
        for line in folded.parse(recording.text):
            state: State = "unknown" if kind == "wall" else "active"
            interned.add((*root, *line.frames), line.thread, line.count, state)
    strings, columns = interned.columns()
    return wire.Stacks(
        type=TYPES[kind],
        unit="samples",
        service=recordings[0][0].service,
        labels=labels(list(processes)),
        start_ns=min(recording.start_ns for recording in found),
        end_ns=max(recording.end_ns for recording in found),
        period=_period_ns(found),
        strings=strings,
        columns=columns,
        capture_id=capture_id,
    )


def labels(pids: Sequence[int]) -> dict[str, str]:
    """What a profile says of its processes beside the service."""
    return {"pid": str(pids[0])} if len(pids) == 1 else {}


def _period_ns(recordings: Sequence[Recording]) -> int:
    """Measured, since a run does not last exactly as long as asked."""
    seconds = sum(recording.seconds for recording in recordings)
    return max(1, round(seconds * 1e9 / sum(recording.ticks for recording in recordings)))
