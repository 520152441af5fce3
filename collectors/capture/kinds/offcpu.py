"""How long the threads of any process were blocked, and where: what they waited for instead of running."""

from __future__ import annotations

import time

from collectors.capture.failures import CaptureError
from collectors.capture.kind import Kind, Request, Result, Watch
from collectors.capture.native import aim
from collectors.capture.native.counted import Counted
from collectors.capture.native.gathering import Gathering, cut_short, shown
from collectors.capture.native.profiles import Span
from collectors.ebpf import support
from collectors.probe import NoData
from collectors.processes.identity import Process

# Shorter waits are left out: they say little, and are the many.
SHORTEST_NS = 10_000
_LOOK_SECONDS = 0.5
_DRAIN_SECONDS = 2.0
_PID_BYTES = 4


def missing() -> str | None:
    """Why this host cannot."""
    return support.missing() or None


def capture(request: Request, watch: Watch) -> Result:
    processes = aim.meant(request)
    gathering = Gathering(request, "offcpu")
    try:
        with Counted("offcpu") as counted:
            counted.maps["shortest"].set_first(SHORTEST_NS.to_bytes(8, "little"))
            _want(counted, processes)
            gathering.know(processes)
            counted.attach()
            start_ns, began, drained_at = time.time_ns(), time.monotonic(), 0.0
            goes_on, seconds = True, 0.0
            while goes_on and processes and seconds < request.seconds:
                goes_on = watch.wait(min(_LOOK_SECONDS, request.seconds - seconds))
                seconds = time.monotonic() - began
                if seconds - drained_at >= _DRAIN_SECONDS:
                    drained_at = seconds
                    _drain(counted, gathering)
                processes = aim.still_meant(request)
                _want(counted, processes)
                gathering.know(processes)
                shown(request, watch, seconds, processes, gathering.count)
            _drain(counted, gathering)
            for wait in counted.waiting(time.monotonic_ns()):
                if wait.waited_ns >= SHORTEST_NS:
                    gathering.add_count(wait, wait.waited_ns)
            lost = counted.lost()
    except NoData as error:
        raise CaptureError(f"{error}.") from None
    words = f"{gathering.count} waits in {seconds:.1f} s"
    if lost:
        words += f" ({lost} more were not counted: the kernel's tables were full)"
    span = Span(start_ns, start_ns + round(seconds * 1e9), 1)
    return gathering.result(span, words, cut_short(request, seconds, not goes_on))


def _want(counted: Counted, processes: list[Process]) -> None:
    for process in processes:
        counted.maps["wanted"].set(process.pid.to_bytes(_PID_BYTES, "little"), b"\1")


def _drain(counted: Counted, gathering: Gathering) -> None:
    for wait in counted.drain():
        gathering.add_count(wait, wait.waited_ns)


KIND = Kind(
    "offcpu",
    "How long the threads of any program were blocked, and where; it is not paused.",
    capture,
    missing,
)
