"""Which functions of any process run, the kernel's included: unwound without frame pointers where files have tables."""

from __future__ import annotations

import time

from collectors.capture.failures import CaptureError
from collectors.capture.kind import Kind, Request, Result, Watch
from collectors.capture.native import aim
from collectors.capture.native.gathering import Gathering, cut_short, shown
from collectors.capture.native.profiles import Span
from collectors.capture.native.sampled import Sampled
from collectors.ebpf import support
from collectors.probe import NoData

# The rings hold a quarter of a second at the highest rate.
_TAKE_SECONDS = 0.1
_LOOK_SECONDS = 0.5


def missing() -> str | None:
    """Why this host cannot."""
    return support.missing() or None


def capture(request: Request, watch: Watch) -> Result:
    processes = aim.meant(request)
    gathering = Gathering(request, "cpu")
    try:
        with Sampled(request.hz) as sampled:
            start_ns, began_ns = time.time_ns(), time.monotonic_ns()
            looked_at, goes_on, seconds = -_LOOK_SECONDS, True, 0.0
            while goes_on and processes and seconds < request.seconds:
                if seconds - looked_at >= _LOOK_SECONDS:
                    looked_at = seconds
                    processes = aim.still_meant(request)
                    gathering.know(processes)
                    sampled.want(process.pid for process in processes)
                    shown(request, watch, seconds, processes, gathering.count)
                goes_on = watch.wait(min(_TAKE_SECONDS, request.seconds - seconds))
                for sample in sampled.take():
                    gathering.add_sample(sample, began_ns)
                seconds = (time.monotonic_ns() - began_ns) / 1e9
            lost = sampled.lost
    except NoData as error:
        raise CaptureError(f"{error}.") from None
    span = Span(start_ns, start_ns + round(seconds * 1e9), round(1e9 / request.hz))
    return gathering.result(span, _words(gathering, seconds, lost), cut_short(request, seconds, not goes_on))


def _words(gathering: Gathering, seconds: float, lost: int) -> str:
    words = f"{gathering.count} samples in {seconds:.1f} s"
    if not gathering.count:
        words += " (it used no CPU; offcpu tells what it waits for)"
    if lost:
        words += f" ({lost} more were lost: they came faster than they could be read; try a lower rate)"
    return words


KIND = Kind(
    "native_cpu",
    "Which functions of any program run, and of the kernel on its behalf; it is not paused.",
    capture,
    missing,
)
