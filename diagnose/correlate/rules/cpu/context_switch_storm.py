"""Threads of a process hand the CPU to one another so often that switching is most of what they do.

Symptom: much time in the kernel, little work done; more threads make it slower.

Cause: many threads share a lock, a condition or a queue that each holds for a moment only: every hand-over wakes
another thread, which runs for microseconds and sleeps again.

Evidence: tens of thousands of switches a second by one process, mostly because its threads waited, with only some
microseconds of CPU time each; its threads wait for one another and not for peers; the kernel's share of CPU time is
high. Many threads that sleep on one lock are harmless, and so is a server that switches once for each message.

Recommendation: fewer threads on the lock (as many as CPUs), work handed over in batches, the lock made finer; the
lock by name from the stacks that wait.

Source: Linux kernel/sched/core.c (nvcsw, nivcsw); measured: 195,469 switches/s on two CPUs, 163,000 of them voluntary
by one process; 64 threads asleep on one futex: 9,000/s.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    RuledOut,
    Subject,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.context_switches import ContextSwitches, SwitchesOf
from diagnose.correlate.signals.cpu_time import CpuTime
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "app.acceptor_stalled",
    "app.slow_reader",
    "cpu.saturation",
    "network.accept_queue_overflow",
    "python.gil_contention",
)

# switches/s by one process; a server of that many messages a second is told apart below
SWITCHES, CLEAR_SWITCHES = 25_000.0, 80_000.0
# s of CPU time a switch: the switch itself takes some 2 to 5 µs of it
A_TURN = 40e-6
# of the switches; a CPU-bound process is switched off instead
VOLUNTARY = 0.6
# of all CPU time
SYSTEM, CLEAR_SYSTEM = 0.15, 0.35
_ONE_ANOTHER, _PEERS = ("lock", "timed_lock", "pipe"), ("poll", "receive", "send", "accept", "connect")


def check(switches: ContextSwitches, cpus: CpuTime | None) -> list[Verdict]:
    """One verdict a process."""
    return [_verdict(each, cpus) for each in switches.by_pid.values() if _storms(each)]


def _storms(process: SwitchesOf) -> bool:
    return (
        process.total >= SWITCHES
        and process.voluntary >= VOLUNTARY * process.total
        and process.cores <= A_TURN * process.total
        and _sum(process, _ONE_ANOTHER) > _sum(process, _PEERS)
    )


def _sum(process: SwitchesOf, kinds: tuple[str, ...]) -> float:
    return sum(process.waits.get(kind, 0.0) for kind in kinds)


def _verdict(process: SwitchesOf, cpus: CpuTime | None) -> Verdict:
    subject = Subject(process.service, process.pid)
    turn = number(round(1e6 * process.cores / process.total, 1))
    system = cpus.share("system") if cpus else 0.2
    return Verdict(
        subject=subject,
        headline=f"{subject.name} switches threads {number(round(process.total, -2))} times a second, {turn} µs each",
        impact=Impact(
            min(0.9, max(0.1, system)),
            process.total,
            "switches/s",
            f"its threads wake one another instead of working; {percent(system)} of all CPU time is the kernel's",
        ),
        evidence=tuple(_evidence(process, cpus)),
        ruled_out=(
            RuledOut(
                "cpu.noisy_neighbour",
                f"{percent(process.voluntary / process.total)} of the switches it asked for",
            ),
            RuledOut("network.thundering_herd", "its threads wait for one another, not for connections"),
        ),
        recommendations=tuple(_recommendations(process, cpus)),
        will_not_help=(
            WillNotHelp(
                "more threads", "each hand-over then has more to choose from, and no more work is done"
            ),
            WillNotHelp("a longer time slice of the scheduler", "the threads go to sleep by themselves"),
        ),
        explains=EXPLAINS,
    )


def _evidence(process: SwitchesOf, cpus: CpuTime | None) -> Iterator[Evidence]:
    labels = (("pid", str(process.pid)),)
    text = (
        f"{number(round(process.voluntary))} switches a second because a thread waited, "
        f"{number(round(process.involuntary))} others"
    )
    clear, metric = strength(process.total, SWITCHES, CLEAR_SWITCHES), "process_context_switches_total"
    source = "/proc/PID/task/TID/status"
    yield Evidence("supports", "decides", text, metric, process.total, "1/s", SWITCHES, source, clear, labels)
    locked, peers = _sum(process, _ONE_ANOTHER), _sum(process, _PEERS)
    text = (
        f"{number(round(locked, 1))} of its threads wait for one another, {number(round(peers, 1))} for peers"
    )
    metric, service = "service_threads_waiting", (("service", process.service),)
    if process.waits:
        kind = supports_if(locked >= 1)
        yield Evidence(
            kind, "separates", text, metric, locked, "threads", 1, "/proc/PID/task/TID/syscall", 1.0, service
        )
    else:
        yield Evidence("missing", "separates", "what its threads wait for was not looked at", metric)
    if cpus:
        system = cpus.share("system")
        clear, metric = strength(system, SYSTEM, CLEAR_SYSTEM), "cpu_seconds_total"
        kind, text = supports_if(system >= SYSTEM), f"{percent(system)} of all CPU time is the kernel's"
        yield Evidence(kind, "corroborates", text, metric, system, "ratio", SYSTEM, "/proc/stat", clear)


def _recommendations(process: SwitchesOf, cpus: CpuTime | None) -> Iterator[Recommendation]:
    command = f"perf trace -p {process.pid} -e futex --duration 0.01 -s sleep 5"
    purpose = "see which threads wait at which lock; a capture of its stacks names it too"
    yield Recommendation(
        Inspect(f"pid {process.pid}", purpose, command),
        f"{number(process.threads)} threads",
        "the lock",
        "none",
    )
    count = cpus.count if cpus else 0
    fewer = f"as many threads as CPUs ({count}) instead of {number(process.threads)}, or " if count else ""
    what = f"{fewer}hand work over in batches; make the critical section shorter or the lock finer"
    formula = (
        f"{number(round(process.total))} switches/s at "
        f"{number(round(1e6 * process.cores / process.total, 1))} µs each"
    )
    change = Code(process.service or f"pid {process.pid}", what)
    yield Recommendation(
        change, formula, "fewer switches, more work in the same time", "medium", restart="service"
    )
