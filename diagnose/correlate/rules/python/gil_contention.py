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
from dataclasses import dataclass

from diagnose.correlate.contention import ONE_CORE, Waiting, waiting_for_lock
from diagnose.correlate.interval import speed_up, wilson
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Kind,
    Recommendation,
    Role,
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

EXPLAINS = (
    "app.hot_function",
    "app.acceptor_stalled",
    "cpu.saturation",
    "network.accept_queue_overflow",
)

# Thresholds hold for the low end of the 95 % interval, so that few samples prove little.
# of time; measured 27 % in a healthy threaded server at 1,400 requests/s, 94 % under contention
HELD, CLEAR_HELD = 0.7, 0.9
# threads; measured 0.0 with one client that keeps the lock held 91 % of the time, 0.7 and more with eight
WAITING, CLEAR_WAITING = 0.3, 0.8
# of time and threads, on a host short of CPU: the lock lies free until its next owner gets a CPU (measured 58 % with
# 4.5 threads waiting at a load of 6 for each CPU; 42 % where they waited for the network). By chance at that rate,
# fewer than one would wait (ρ²/(1−ρ))
SHORT_HELD, SHORT_WAITING = 0.43, 1.5
# cores; one lock allows about one. Less: the host is short of CPU as well
SHORT_CORES = 0.6


@dataclass(frozen=True, slots=True)
class _Case:
    """One process: its lock, who waits for it, and its CPU time where that was read."""

    lock: GilOf
    waiting: Waiting
    process: Process | None

    @property
    def contended(self) -> bool:
        held, threads = self.lock.held_low, self.waiting.low
        usual = held >= HELD and threads >= WAITING
        return usual or (held >= SHORT_HELD and threads >= SHORT_WAITING)

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        return (("pid", str(self.lock.pid)),)


def check(gil: PythonGil, cpu: ProcessCpu | None, cpus: Cpus | None) -> list[Verdict]:
    """One verdict a process whose threads wait."""
    processes = cpu.by_pid if cpu else {}
    cases = [_case(lock, processes.get(lock.pid)) for lock in gil.by_pid.values()]
    return [_verdict(case, cpus) for case in cases if case.contended]


def _case(lock: GilOf, process: Process | None) -> _Case:
    return _Case(lock, waiting_for_lock(lock, process), process)


def _verdict(case: _Case, cpus: Cpus | None) -> Verdict:
    subject = Subject(case.lock.service, case.lock.pid)
    unseen = Unknown("which function holds the lock", "no samples of its holders in this window")
    return Verdict(
        subject=subject,
        headline=_headline(subject, case.lock),
        impact=_impact(case),
        evidence=tuple(_evidence(case, cpus)),
        ruled_out=tuple(_ruled_out(case)),
        recommendations=tuple(_recommendations(case, cpus)),
        will_not_help=(
            WillNotHelp("more threads", "they would wait for the same lock: only one runs at a time"),
        ),
        unknown=() if case.lock.holders else (unseen,),
        explains=EXPLAINS,
    )


def _headline(subject: Subject, lock: GilOf) -> str:
    text = f"{subject.name} is held back by Python's GIL: held {percent(lock.held)} of the time"
    if not lock.holders:
        return text
    holder = lock.holders[0]
    return f"{text}, {percent(holder.count / lock.holder_samples)} of it by {holder.short}"


def _impact(case: _Case) -> Impact:
    waiting = case.waiting.threads
    share = waiting / (waiting + case.lock.held)
    text = (
        f"on average {number(round(waiting, 2))} threads wait while one runs: at least {percent(share)} of the time "
        "that requests spend on Python code is waiting"
    )
    return Impact(share, waiting, "threads waiting", text)


def _evidence(case: _Case, cpus: Cpus | None) -> Iterator[Evidence]:
    held, low = case.lock.held, case.lock.held_low
    text = (
        f"some thread held the GIL in {percent(held)} of {case.lock.ticks} samples, in at least {percent(low)} at the "
        "low end of the 95 % interval"
    )
    metric, clear = "python_gil_held_ratio", strength(low, SHORT_HELD, CLEAR_HELD)
    yield Evidence(
        "supports", "decides", text, metric, held, "ratio", HELD, "py-spy --gil", clear, case.labels
    )
    yield _seen_waiting(case)
    yield _one_core(case)
    if cpus is not None:
        kind: Kind = "supports" if cpus.count > 1 else "contradicts"
        text = (
            f"the host has {cpus.count} CPUs" if cpus.count > 1 else "the host has one CPU: that is the limit"
        )
        yield Evidence(kind, "corroborates", text, value=cpus.count, unit="CPUs", threshold=1)


def _seen_waiting(case: _Case) -> Evidence:
    threads = case.waiting.threads
    clear = strength(case.waiting.low, WAITING, CLEAR_WAITING)
    if case.waiting.seen:
        text = f"{number(round(threads, 2))} threads on average stood in code that needs the lock without having it"
        return Evidence(
            "supports", "decides", text, "", threads, "threads", WAITING, "py-spy", clear, case.labels, "wall"
        )
    awake = case.lock.active_threads or 0.0
    text = f"{number(round(awake, 2))} threads were awake on average, of which the lock lets one run"
    metric = "python_active_threads"
    return Evidence(
        "supports", "decides", text, metric, awake, "threads", 1 + WAITING, "py-spy", clear, case.labels
    )


def _one_core(case: _Case) -> Evidence:
    metric = "process_cpu_seconds_total"
    if case.process is None:
        return Evidence("missing", "separates", "the CPU time of the process was not read", metric)
    cores = case.process.cores
    kind: Kind = "supports"
    role: Role = "separates"
    text = f"the process uses {number(round(cores, 2))} cores: about one, as one lock allows"
    if cores > ONE_CORE:
        kind = "contradicts"
        text = f"the process uses {number(round(cores, 2))} cores: more than one lock allows"
    elif cores < SHORT_CORES:
        kind, role = "contradicts", "corroborates"
        text = f"the process uses only {number(round(cores, 2))} cores: it also waits for a CPU"
    return Evidence(kind, role, text, metric, cores, "cores", ONE_CORE, "/proc/PID/stat", 1.0, case.labels)


def _ruled_out(case: _Case) -> Iterator[RuledOut]:
    lock, process = case.lock, case.process
    yield RuledOut(
        "cpu.single_thread_bound",
        f"{number(round(case.waiting.threads, 2))} other threads want to run as well",
    )
    yield RuledOut("python.lock_contention", f"the GIL itself is taken {percent(lock.held)} of the time")
    if process and process.cores <= ONE_CORE:
        yield RuledOut(
            "cpu.saturation", f"the process uses {number(round(process.cores, 2))} cores, not all of them"
        )


def _recommendations(case: _Case, cpus: Cpus | None) -> Iterator[Recommendation]:
    lock = case.lock
    demand = lock.held + case.waiting.threads
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
    wanted = math.ceil(demand)
    processes = min(cpus.count, max(2, wanted)) if cpus else max(2, wanted)
    if processes > 1:
        formula = f"{number(round(demand, 2))} threads want to run at once"
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
