"""One process on its way through a round: a py-spy for each step, and looks at who waits for the interpreter lock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from collectors.capture import shares, stacks
from collectors.capture.confine import Confinement
from collectors.capture.gilwaits import GilWaits
from collectors.capture.plan import ROUND, hz_of
from collectors.capture.pyspy import Order, Recording, Run
from collectors.kernel import procfs
from collectors.processes.identity import Process
from collectors.wire import Sample


class Lane:
    """A poll tells when its py-spy has news; `close` it in any case. `sampler_seconds`: CPU of py-spys that ended."""

    def __init__(self, process: Process, hz: int, confinement: Confinement, proc: Path) -> None:
        self.process, self.began = process, time.monotonic()
        self.sampler_seconds = 0.0
        self._hz, self._confinement, self._proc = hz, confinement, proc
        self._step = 0
        self._running: Recording | None = None
        self._gil = GilWaits(process.pid, proc)
        self._run: Run | None = self._start()

    def fileno(self) -> int:
        assert self._run is not None
        return self._run.fileno()

    def resident_bytes(self) -> int:
        """Of the py-spy at work."""
        stat = None if self._run is None else procfs.stat(self._proc, self._run.pid)
        return 0 if stat is None else stat.resident_bytes

    def look(self) -> None:
        """At the threads of the process, when it is time."""
        self._gil.look(time.monotonic())

    def finished_step(self) -> Recording | None:
        """What a py-spy that has ended gave, once; the next one must be begun. Raises CaptureError."""
        if self._run is None or not self._run.poll():
            return None
        with self._run as run:
            self._run = None
            self.sampler_seconds += run.cpu_seconds
            return run.recording()

    def begin_next_step(self) -> bool:
        """False when the round is over."""
        self._step += 1
        if self._step < len(ROUND):
            self._run = self._start()
        return self._run is not None

    def samples(self, recording: Recording) -> Iterator[Sample]:
        """What one step tells. By what was seen to run the round's last step tells active from idle."""
        recordings = [recording]
        if recording.order.kind == "cpu":
            self._running = recording
        elif recording.order.kind == "wall" and self._running is not None:
            recordings.append(self._running)
        yield stacks.to_wire([(self.process, each) for each in recordings])
        yield from shares.points(recording, self.process)

    def closing_samples(self, end_ns: int) -> Iterator[Sample]:
        """What the whole round tells."""
        yield from shares.gil_points(self._gil.shares, self.process, end_ns)

    def close(self) -> None:
        if self._run is not None:
            self._run.close()
            self._run = None

    def _start(self) -> Run:
        kind, seconds = ROUND[self._step]
        run = Run(Order(self.process.pid, kind, seconds, hz_of(kind, self._hz)))
        self._confinement.admit(run.pid)
        return run
