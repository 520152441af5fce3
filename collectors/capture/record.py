"""Records Python processes with py-spy for somebody who watches.

A capture is taken in parts of some seconds: when py-spy is killed only the part that it was in is lost, and processes
that were forked meanwhile are in the next one.
"""

from __future__ import annotations

import selectors
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from collectors.capture import plan, pythons, stacks
from collectors.capture.failures import CaptureError
from collectors.capture.kind import Request, Result, Watch
from collectors.capture.pyspy import CUT_BY_EXIT, Kind, Order, Recording, Run, program
from collectors.kernel import procfs
from collectors.processes.identity import Process

TELL_SECONDS = 0.5
FIRST_SECONDS, PART_SECONDS = 2, 10
# Of the time between two samples, what reading the stacks may take: beyond it py-spy falls behind.
_READING_SHARE = 0.8
_SLOW_SHARE = 0.5


def missing() -> str | None:
    """Why no Python process of this host can be captured."""
    try:
        program()
    except CaptureError as error:
        return str(error)
    return None


def record(kind: Kind, request: Request, watch: Watch) -> Result:
    """Raises CaptureError when nothing at all was seen; what was seen before trouble is kept."""
    capture = _Capture(kind, request, watch)
    for seconds in parts(request.seconds):
        try:
            capture.take_part(seconds)
        except CaptureError as error:
            if not capture.recordings:
                raise
            capture.troubles.append(str(error))
        if capture.ended:
            break
    return capture.result()


def parts(seconds: int) -> Iterator[int]:
    """Whole seconds: first a few, which tell what rate the process allows, then about PART_SECONDS each."""
    first = min(seconds, FIRST_SECONDS)
    yield first
    rest = seconds - first
    count = max(1, round(rest / PART_SECONDS))
    for number in range(count):
        if length := rest * (number + 1) // count - rest * number // count:
            yield length


@dataclass(slots=True)
class _Capture:
    """A capture on its way: what was recorded of whom, and what went wrong meanwhile."""

    kind: Kind
    request: Request
    watch: Watch
    recordings: list[tuple[Process, Recording]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    seconds: float = 0.0
    stopped: bool = False
    most_hz: dict[int, float] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Nothing more is to come."""
        return self.stopped or bool(self.troubles)

    def take_part(self, seconds: int) -> None:
        processes = {process.pid: process for process in pythons.meant(self.request)}
        orders = [order for pid in processes for order in self._orders(pid, seconds)]
        with ExitStack() as stack:
            runs = [stack.enter_context(Run(order)) for order in orders]
            self._attend(runs)
            self._collect(processes, runs)

    def _orders(self, pid: int, seconds: int) -> Iterator[Order]:
        """At the rate that was asked for, or the highest that the number and depth of its stacks allow.

        Beside `wall` another py-spy looks at what runs: by it active and idle are told apart.
        """
        most_hz = self.most_hz.get(pid) or plan.most_hz(1 if self.kind == "gil" else self._threads(pid))
        hz = max(1, min(self.request.hz, int(most_hz)))
        yield Order(pid, self.kind, seconds, hz)
        if self.kind == "wall":
            yield Order(pid, "cpu", seconds, hz)

    def _threads(self, pid: int) -> int:
        stat = procfs.stat(self.request.proc, pid)
        return stat.threads if stat else 1

    def _attend(self, runs: Sequence[Run]) -> None:
        """Until all have ended."""
        with selectors.DefaultSelector() as selector:
            for run in runs:
                selector.register(run, selectors.EVENT_READ, run)
            while selector.get_map():
                selector.select(TELL_SECONDS)
                for run in [key.data for key in selector.get_map().values()]:
                    if run.poll():
                        selector.unregister(run)
                if not self.stopped and not self.watch.goes_on():
                    self.stopped = True
                    for run in runs:
                        run.end()
                self._tell(runs)

    def _collect(self, processes: Mapping[int, Process], runs: Sequence[Run]) -> None:
        """Raises CaptureError when none of them gave anything; one of several may fail."""
        failures, recordings = [], []
        for run in runs:
            try:
                recordings.append(run.recording())
            except CaptureError as error:
                failures.append(error)
        main = [recording for recording in recordings if recording.order.kind == self.kind]
        if not main:
            raise failures[0]
        for recording in main:
            if recording.ticks > 1:
                rate = recording.ticks / max(recording.cpu_seconds, 1e-3)
                self.most_hz[recording.order.pid] = _READING_SHARE * rate
        self.recordings += [(processes[recording.order.pid], recording) for recording in recordings]
        self.seconds += max(recording.seconds for recording in main)
        if len(processes) == 1 and main[0].cut == CUT_BY_EXIT:
            self.troubles.append(f"Process {main[0].order.pid} ended after {self.seconds:.1f} s.")

    def _tell(self, runs: Sequence[Run]) -> None:
        sampled = max(run.sampled_seconds() for run in runs)
        if not sampled:
            return
        done, whole = self.seconds + sampled, self.request.seconds
        pids = {run.order.pid for run in runs}
        whom = f"process {runs[0].order.pid}" if len(pids) == 1 else f"{len(pids)} processes"
        self.watch.tell(min(0.99, done / whole), f"Sampling {whom}: {done:.0f} of {whole} s", self._samples())

    def _main(self) -> list[Recording]:
        return [recording for _, recording in self.recordings if recording.order.kind == self.kind]

    def _samples(self) -> int:
        return sum(recording.samples for recording in self._main())

    def result(self) -> Result:
        if self.stopped:
            self.troubles.append(f"The collector was stopped after {self.seconds:.1f} s.")
        count = self._samples()
        reason = " ".join(self.troubles)
        partial = f"{reason} The {count} samples until then are kept." if reason else ""
        found = stacks.to_wire(self.recordings, capture_id=self.request.id)
        return Result((found,), count, f"{count} samples in {self.seconds:.1f} s{self._slower()}", partial)

    def _slower(self) -> str:
        """In words, when not even half of the rate was possible."""
        main = self._main()
        hz = sum(recording.ticks for recording in main) / sum(recording.seconds for recording in main)
        if hz >= _SLOW_SHARE * self.request.hz:
            return ""
        return f" (at {hz:.0f} instead of {self.request.hz} a second: no more was possible with so many or deep stacks)"
