"""Threads of a Python process wait for the global interpreter lock: only one of them runs Python at a time.

Symptom: latency grows with every request served at once, throughput does not, and the process uses about one core
while others are idle.

Cause: CPU-bound Python code in several threads. CPython lets one thread run bytecode at a time; the others ask for
the lock every 5 ms (sys.getswitchinterval). More threads add waiting, not work.

Evidence: some thread holds the lock nearly always, and at the same time other threads stand inside functions that
need it to go on: the difference between how often a function is on top of a thread (wall) and how often it is with
the lock there (gil). One thread that computes alone holds the lock as long but makes nobody wait. A crowd on a
threading.Lock leaves the GIL free.

Recommendation: make the function that holds the lock cheaper or move it to processes or native code; as many
processes as threads want to run, at most the CPUs of the host.

Source: CPython Python/ceval_gil.c (5 ms interval), PEP 703 (free-threaded builds have no such lock); measured: eight
clients on one CPU-bound handler: lock held 94 % of the time, 0.9 threads waiting, p50 12 → 100 ms; one client: held
91 %, nobody waiting.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from diagnose.correlate.interval import speed_up, wilson
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Kind,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    Workers,
    strength,
)
from diagnose.correlate.signals.cpus import Cpus
from diagnose.correlate.signals.process_cpu import Process, ProcessCpu
from diagnose.correlate.signals.python_gil import GilOf, PythonGil
from diagnose.correlate.words import number, percent

EXPLAINS = ("app.hot_function", "app.acceptor_stalled", "network.accept_queue_overflow")

# of time; measured 27 % in a healthy threaded server at 1,400 requests/s, 94 % under contention
HELD, CLEAR_HELD = 0.7, 0.9
# threads; measured 0.0 with one client that keeps the lock held 91 % of the time, 0.9 with eight
WAITING, CLEAR_WAITING = 0.3, 0.8
# threads that py-spy takes for running at once; a thread that waits for the lock wakes every 5 ms
# (measured 0.98 with one client, 1.48 with eight)
ACTIVE, CLEAR_ACTIVE = 1.25, 1.6
# the same, beside wall samples: a thread that stands in such code but sleeps in a system call is never awake
LEAST_ACTIVE = 1.1
# cores; above it much of the work runs outside the lock (native code)
ONE_CORE = 1.4


def check(gil: PythonGil, cpu: ProcessCpu | None, cpus: Cpus | None) -> list[Verdict]:
    """One verdict a service: its process with the most waiting."""
    worst: dict[str, GilOf] = {}
    for lock in gil.by_pid.values():
        key = lock.service or str(lock.pid)
        if _contended(lock) and (key not in worst or _waiting(lock) > _waiting(worst[key])):
            worst[key] = lock
    return [_verdict(lock, cpu.by_pid.get(lock.pid) if cpu else None, cpus) for lock in worst.values()]


def _contended(lock: GilOf) -> bool:
    if lock.held < HELD:
        return False
    if lock.waiting_threads is None:
        return lock.active_threads is not None and lock.active_threads >= ACTIVE
    awake = lock.active_threads is None or lock.active_threads >= LEAST_ACTIVE
    return lock.waiting_threads >= WAITING and awake


def _waiting(lock: GilOf) -> float:
    """Threads that wait, on average; from the active ones where wall samples are missing."""
    if lock.waiting_threads is not None:
        return lock.waiting_threads
    return max(0.0, (lock.active_threads or 0.0) - lock.held)


def _verdict(lock: GilOf, process: Process | None, cpus: Cpus | None) -> Verdict:
    subject = Subject(lock.service, lock.pid)
    return Verdict(
        subject=subject,
        headline=_headline(subject, lock),
        impact=_impact(lock),
        evidence=tuple(_evidence(lock, process, cpus)),
        ruled_out=tuple(_ruled_out(lock, process)),
        recommendations=tuple(_recommendations(lock, cpus)),
        will_not_help=(
            WillNotHelp("more threads", "they would wait for the same lock: only one runs at a time"),
        ),
        unknown=()
        if lock.holders
        else (Unknown("which function holds the lock", "no samples of its holders in this window"),),
        explains=EXPLAINS,
    )


def _headline(subject: Subject, lock: GilOf) -> str:
    text = f"{subject.name} is held back by Python's GIL: held {percent(lock.held)} of the time"
    if not lock.holders:
        return text
    holder = lock.holders[0]
    return f"{text}, {percent(holder.count / lock.holder_samples)} of it by {holder.short}"


def _impact(lock: GilOf) -> Impact:
    waiting = _waiting(lock)
    share = waiting / (waiting + lock.held)
    text = (
        f"on average {number(round(waiting, 2))} threads wait while one runs: at least {percent(share)} of the time "
        "that requests spend on Python code is waiting"
    )
    return Impact(share, waiting, "threads waiting", text)


def _evidence(lock: GilOf, process: Process | None, cpus: Cpus | None) -> Iterator[Evidence]:
    labels = (("pid", str(lock.pid)),)
    text = f"some thread held the GIL in {percent(lock.held)} of samples"
    clear = strength(lock.held, HELD, CLEAR_HELD)
    yield Evidence(
        "supports",
        "decides",
        text,
        "python_gil_held_ratio",
        lock.held,
        "ratio",
        HELD,
        "py-spy --gil",
        clear,
        labels,
    )
    yield _seen_waiting(lock, labels)
    if lock.waiting_threads is not None and lock.active_threads is not None:
        text = f"{number(round(lock.active_threads, 2))} threads were awake on average"
        metric, value = "python_active_threads", lock.active_threads
        yield Evidence(
            "supports", "corroborates", text, metric, value, "threads", LEAST_ACTIVE, "py-spy", 1.0, labels
        )
    if process is None:
        yield Evidence(
            "missing", "separates", "the CPU time of the process was not read", "process_cpu_seconds_total"
        )
    else:
        text = f"the process uses {number(round(process.cores, 2))} cores"
        metric = "process_cpu_seconds_total"
        kind: Kind = "supports" if process.cores <= ONE_CORE else "contradicts"
        more = "about one, as one lock allows" if kind == "supports" else "more than one lock allows"
        yield Evidence(
            kind,
            "separates",
            f"{text}: {more}",
            metric,
            process.cores,
            "cores",
            ONE_CORE,
            "/proc/PID/stat",
            1.0,
            labels,
        )
    if cpus is not None:
        kind = "supports" if cpus.count > 1 else "contradicts"
        text = (
            f"the host has {cpus.count} CPUs" if cpus.count > 1 else "the host has one CPU: it is the limit"
        )
        yield Evidence(kind, "corroborates", text, value=cpus.count, unit="CPUs", threshold=1)


def _seen_waiting(lock: GilOf, labels: tuple[tuple[str, str], ...]) -> Evidence:
    waiting, active = lock.waiting_threads, lock.active_threads
    if waiting is not None:
        text = f"{number(round(waiting, 2))} threads on average stood in code that needs the lock without having it"
        clear = strength(waiting, WAITING, CLEAR_WAITING)
        return Evidence(
            "supports", "decides", text, "", waiting, "threads", WAITING, "py-spy", clear, labels, "wall"
        )
    active = active or 0.0
    text = f"{number(round(active, 2))} threads were awake on average, of which the lock lets one run"
    clear = strength(active, ACTIVE, CLEAR_ACTIVE)
    return Evidence(
        "supports",
        "decides",
        text,
        "python_active_threads",
        active,
        "threads",
        ACTIVE,
        "py-spy",
        clear,
        labels,
    )


def _ruled_out(lock: GilOf, process: Process | None) -> Iterator[RuledOut]:
    yield RuledOut(
        "cpu.single_thread_bound", f"{number(round(_waiting(lock), 2))} other threads want to run as well"
    )
    yield RuledOut("python.lock_contention", f"the GIL itself is taken {percent(lock.held)} of the time")
    if process and process.cores <= ONE_CORE:
        yield RuledOut(
            "cpu.saturation", f"the process uses {number(round(process.cores, 2))} cores, not all of them"
        )


def _recommendations(lock: GilOf, cpus: Cpus | None) -> Iterator[Recommendation]:
    if lock.holders:
        holder = lock.holders[0]
        share, (low, high) = holder.count / lock.holder_samples, wilson(holder.count, lock.holder_samples)
        formula = (
            f"{holder.count} of {lock.holder_samples} samples with the lock: {percent(share)} "
            f"({percent(low)}–{percent(high)})"
        )
        expected = f"at half its time {number(speed_up(share, 2))} times the throughput of this process"
        what = "make it cheaper, cache its result, or run it in a process pool or in native code that lets the lock go"
        yield Recommendation(Code(holder.place, what), formula, expected, "medium", restart="service")
    wanted = math.ceil(lock.held + _waiting(lock))
    processes = min(cpus.count, max(2, wanted)) if cpus else max(2, wanted)
    if processes > 1:
        formula = f"{number(round(lock.held + _waiting(lock), 2))} threads want to run at once"
        if cpus:
            formula += f", at most {cpus.count} CPUs"
        yield Recommendation(
            Workers(lock.service or str(lock.pid), 1, processes),
            formula,
            f"up to {processes} times the throughput: each process has its own lock",
            "medium",
            "processes do not share memory: check sessions and caches",
            "service",
        )
    what = "try a free-threaded build (python3.13t or newer), which has no such lock"
    yield Recommendation(
        Code("the interpreter", what),
        "PEP 703",
        "threads run in parallel; single-thread speed falls by some percent",
        "high",
        "C extensions must support it, or the lock is switched on again",
        "service",
    )
