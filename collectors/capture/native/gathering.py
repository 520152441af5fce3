"""What one capture has gathered: frames of each process as they come, so that it may end in the middle."""

from __future__ import annotations

from collectors.capture.folded import Frame
from collectors.capture.interned import Interned
from collectors.capture.kind import Request, Result, Watch
from collectors.capture.native import stacks
from collectors.capture.native.counted import Count
from collectors.capture.native.ended import is_whole, without_rubbish
from collectors.capture.native.profiles import Measure, Owner, Span, to_wire
from collectors.capture.native.ring import Sample
from collectors.capture.native.symbols import Process, Symbols
from collectors.capture.native.unwind import Unwinder
from collectors.columns import State
from collectors.kernel import procfs
from collectors.processes.identity import Process as Identity


class Gathering:
    """By process. `count` samples, or waits, so far."""

    def __init__(self, request: Request, measure: Measure) -> None:
        self._request, self._measure = request, measure
        self._symbols = Symbols(request.proc)
        self._owners: dict[int, Owner] = {}
        self._found: dict[Owner, Interned] = {}
        self._unwinders: dict[Process, Unwinder] = {}
        self._threads: dict[int, str] = {}
        self._processes: dict[int, Process] = {}
        self.count = self.truncated = 0

    def know(self, processes: list[Identity]) -> None:
        for process in processes:
            self._owners[process.pid] = Owner(process.service, process.pid)
        self._threads.clear()  # they may be called otherwise by now

    def add_sample(self, sample: Sample, began_ns: int) -> None:
        """`began_ns`: when the capture did, by the clock of its samples."""
        process = self._process(sample.pid)
        frames = self._walked(process, sample) if process else [stacks.ENDED]
        frames = [*frames, *stacks.of_kernel(self._symbols, sample.kernel)]
        offset_ms = max(0, sample.time_ns - began_ns) // 1_000_000
        self._add(sample.pid, frames, self._name(sample), 1, 1, offset_ms)

    def add_count(self, count: Count, value: int) -> None:
        frames = stacks.of_user(self._process(count.pid), count.user)
        kernel = stacks.without_tracer(stacks.of_kernel(self._symbols, count.kernel))
        self._add(count.pid, [*frames, *kernel], stacks.named_thread(count.thread, False), value, count.times)

    def _process(self, pid: int) -> Process | None:
        """As it was last, when it has ended: what was seen of it until then is named as far as it is known."""
        found = self._symbols.process(pid)
        if found is not None:
            self._processes[pid] = found
        return found or self._processes.get(pid)

    def _add(
        self,
        pid: int,
        frames: list[Frame],
        thread: str,
        value: int,
        times: int,
        offset_ms: int | None = None,
    ) -> None:
        owner = self._owners.get(pid)
        if owner is None:  # it was let go between being wanted and being seen
            return
        self.count += times
        self.truncated += times if frames[:1] == [stacks.TRUNCATED] else 0
        state: State = "active" if self._measure == "cpu" else "idle"
        self._found.setdefault(owner, Interned()).add(frames, thread, value, state, offset_ms)

    def _walked(self, process: Process, sample: Sample) -> list[Frame]:
        if sample.registers is None:
            return stacks.of_user(process, sample.chain)
        if process not in self._unwinders:
            self._unwinders[process] = Unwinder(process)
        walked = self._unwinders[process].walk(sample.registers, sample.stack)
        frames = without_rubbish([process.frame_at(address) for address in stacks.calls(walked.addresses)])
        frames.reverse()
        return frames if walked.whole or is_whole(frames) else [stacks.TRUNCATED, *frames]

    def _name(self, sample: Sample) -> str:
        thread = sample.thread_id
        if thread not in self._threads:
            path = f"{self._request.proc}/{sample.pid}/task/{thread}/comm"
            try:
                name = procfs.read(path).decode("utf-8", "replace").rstrip("\n")
            except OSError:  # it has ended
                name = "ended"
            self._threads[thread] = stacks.named_thread(name, False)
        return self._threads[thread]

    def result(self, span: Span, message: str, partial: str) -> Result:
        """One profile a process; an empty one of each when none was seen."""
        owners = self._found or {owner: Interned() for owner in self._owners.values()}
        samples = tuple(
            to_wire(self._measure, owner, found, span, self._request.id) for owner, found in owners.items()
        )
        return Result(samples, self.count, message, partial)


def shown(request: Request, watch: Watch, seconds: float, processes: list[Identity], count: int) -> None:
    """How far a capture is."""
    whom = f"process {processes[0].pid}" if len(processes) == 1 else f"{len(processes)} processes"
    words = f"Watching {whom}: {seconds:.0f} of {request.seconds} s"
    watch.tell(min(0.99, seconds / request.seconds), words, count)


def cut_short(request: Request, seconds: float, stopped: bool) -> str:
    """Why less was captured than asked for; '' when it is all."""
    if seconds >= request.seconds:
        return ""
    who = "The collector" if stopped else "What was captured"
    return f"{who} ended after {seconds:.1f} of {request.seconds} s; what was seen until then is kept."
