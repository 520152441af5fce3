"""Requests wait for the log to be written.

Symptom: latency follows the disk or the terminal that takes the log; more lines a request make it slower; threads stand
in line for the handler's lock.

Cause: a logging handler writes, flushes or syncs while the request waits, and takes one line at a time.

Evidence: a quarter of the time of threads at requests is spent in logging calls, at the low end of the 95 % interval,
and most of that off the CPU. Lines that are only formatted cost CPU, and show among the layers.

Recommendation: a QueueHandler in front of the handler, or no sync for each line; the line that logs most.

Source: Python's logging cookbook, "Dealing with handlers that block"; measured: PSI io 75 % at 133 flushes/s of 0.1 ms.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.attribution import is_library
from diagnose.correlate.interval import wilson
from diagnose.correlate.layers.frames import layer_of_frame
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.samples import Frame, Stack
from diagnose.correlate.serving import entry
from diagnose.correlate.signals.process_cpu import Process, ProcessCpu
from diagnose.correlate.signals.request_threads import RequestThreads, RequestThreadsOf, Spot
from diagnose.correlate.signals.thread_waits import ThreadWaits, ThreadWaitsOf
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "app.acceptor_stalled",
    "app.layer_overhead",
    "app.worker_count",
    "python.event_loop_blocked",
    "python.lock_contention",
)

# of the time of threads at requests, at the low end of the interval
SHARE, CLEAR_SHARE = 0.25, 0.6
# samples of threads at requests; fewer leave the interval wider than ±0.18
LEAST_SAMPLES = 30
# of one core for each thread in a logging call; more of it, and the calls compute rather than wait
COMPUTES = 0.7


def check(threads: RequestThreads, waits: ThreadWaits | None, cpu: ProcessCpu | None) -> list[Verdict]:
    """One verdict a process."""
    found = []
    for each in threads.by_pid.values():
        callers, process = each.spots(_caller), cpu.by_pid.get(each.pid) if cpu else None
        if _holds(each, callers, process):
            found.append(_verdict(each, callers, waits.by_service.get(each.service) if waits else None))
    return found


def _caller(stack: Stack) -> Frame | None:
    """The service's line that logs; a handler of its own, which logging calls, is none."""
    start = entry(stack.frames) or 0
    for place in range(start + 1, len(stack.frames)):
        if _logs(stack.frames[place]):
            return stack.frames[place - 1]
    return None


def _logs(frame: Frame) -> bool:
    is_logging = layer_of_frame(frame.name, frame.file, frame.module) == "logging"
    return is_logging and "traceback.py" not in frame.file


def _innermost(stack: Stack) -> Frame | None:
    """What writes: a handler of the service's own, or logging's."""
    if _caller(stack) is None:
        return None
    return next(frame for frame in reversed(stack.frames) if not is_library(frame) or _logs(frame))


def _seen(callers: tuple[Spot, ...]) -> int:
    return sum(spot.count for spot in callers)


def _holds(threads: RequestThreadsOf, callers: tuple[Spot, ...], process: Process | None) -> bool:
    if threads.samples < LEAST_SAMPLES or wilson(_seen(callers), threads.samples)[0] < SHARE:
        return False
    return process is None or process.cores < COMPUTES * max(1.0, _seen(callers) / threads.looks)


def _verdict(threads: RequestThreadsOf, callers: tuple[Spot, ...], waits: ThreadWaitsOf | None) -> Verdict:
    seen, writers = _seen(callers), threads.spots(_innermost)
    share = seen / threads.samples
    subject = Subject(threads.service, threads.pid)
    text = f"requests spend {percent(share)} of their time waiting for the log"
    return Verdict(
        subject=subject,
        headline=f"{subject.name}: requests wait {percent(share)} of their time for the log, at {callers[0].short}",
        impact=Impact(share, seen / threads.looks, "threads waiting", text),
        evidence=tuple(_evidence(threads, seen, writers, waits)),
        ruled_out=(
            RuledOut(
                "disk.saturation", "it is each line's own write that is waited for, however quick the disk"
            ),
        ),
        recommendations=tuple(_recommendations(threads, callers, writers)),
        will_not_help=(WillNotHelp("more threads", "a handler writes one line at a time"),),
        explains=EXPLAINS,
    )


def _evidence(
    threads: RequestThreadsOf, seen: int, writers: tuple[Spot, ...], waits: ThreadWaitsOf | None
) -> Iterator[Evidence]:
    labels, (low, high) = (("pid", str(threads.pid)),), wilson(seen, threads.samples)
    text = (
        f"{seen} of {threads.samples} samples of threads at requests are in logging calls "
        f"(95 % interval {percent(low)}–{percent(high)})"
    )
    clear = strength(low, SHARE, CLEAR_SHARE)
    share = seen / threads.samples
    yield Evidence("supports", "decides", text, "", share, "ratio", SHARE, "py-spy", clear, labels, "wall")
    text = f"they are in {writers[0].place}"
    yield Evidence(
        "supports", "separates", text, "", writers[0].count, "samples", None, "py-spy", 1.0, labels, "wall"
    )
    if waits is None:
        yield Evidence(
            "missing", "corroborates", "what its threads wait for was not read", "service_threads_waiting"
        )
        return
    off = waits.on("sync", "file", "lock", "pipe", "send", "sleep")
    text = f"{number(round(off, 2))} of its threads wait for a disk, a pipe or a lock"
    metric, needed = "service_threads_waiting", 0.5 * seen / threads.looks
    service = (("service", threads.service),)
    yield Evidence(
        supports_if(off >= needed), "corroborates", text, metric, off, "threads", needed, "", 1.0, service
    )


def _recommendations(
    threads: RequestThreadsOf, callers: tuple[Spot, ...], writers: tuple[Spot, ...]
) -> Iterator[Recommendation]:
    formula = f"{_seen(callers)} of {threads.samples} samples of threads at requests"
    share = percent(_seen(callers) / threads.samples)
    what = (
        "put a logging.handlers.QueueHandler in front of it and a QueueListener behind: another thread writes"
    )
    yield Recommendation(
        Code(writers[0].place, what),
        formula,
        f"requests are {share} shorter",
        "low",
        "what is in the queue when the process is killed is lost",
        "service",
    )
    what = f"log less here: {percent(callers[0].count / _seen(callers))} of the time in logging comes from this line"
    yield Recommendation(
        Code(callers[0].place, what), formula, "as many lines fewer to wait for", "none", restart="service"
    )
