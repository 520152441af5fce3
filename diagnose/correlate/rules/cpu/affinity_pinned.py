"""A service may use fewer CPUs than it has work for, while others are idle.

Symptom: the service is slow under load although the host has CPUs to spare; one CPU is hot.

Cause: its CPUs were narrowed down: taskset, sched_setaffinity in the program, CPUAffinity= of its unit, or the cpuset
of its control group (a container's --cpuset-cpus). Started threads and processes inherit it.

Evidence: its threads want more CPUs than they may use, those they may use are busy, and others are idle. What a quota
holds back is taken off: that is another cause.

Recommendation: as many CPUs as its threads want, with the command for what narrowed them down.

Source: sched_setaffinity(2), cpuset(7), systemd.exec(5) on CPUAffinity=; measured: PSI cpu 93 % at 51 % host CPU, run
delay five times as long.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

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
)
from diagnose.correlate.signals.affinities import Affinities, Affinity
from diagnose.correlate.signals.cpu_time import CpuTime
from diagnose.correlate.signals.runners import Runner, Runners
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "app.acceptor_stalled",
    "app.slow_reader",
    "cpu.noisy_neighbour",
    "cpu.saturation",
    "network.accept_queue_overflow",
    "network.udp_receive_overflow",
    "python.gil_contention",
)

# times the CPUs it may use: that many threads were running or ready, on average
WANTED, CLEAR_WANTED = 1.4, 2.5
# of the time of the CPUs that it may use
BUSY = 0.8
# of the time of the others: less is not worth having
IDLE, CLEAR_IDLE = 0.15, 0.5


def check(runners: Runners, cpus: CpuTime, affinities: Affinities | None) -> list[Verdict]:
    """One verdict a service."""
    known = affinities.by_service if affinities else {}
    found = []
    for runner in runners.by_service.values():
        affinity = known.get(runner.service) or _inferred(runner, cpus)
        allowed = set(affinity.cpus & cpus.by_cpu.keys()) if affinity else set()
        if affinity and allowed and len(allowed) < cpus.count and _binds(runner, allowed, cpus):
            found.append(_verdict(runner, affinity, sorted(allowed), cpus))
    return found


def _inferred(runner: Runner, cpus: CpuTime) -> Affinity | None:
    """Where only their number is known: the busiest ones are those that it keeps busy."""
    if not runner.allowed_cpus or runner.allowed_cpus >= cpus.count:
        return None
    busiest = sorted(cpus.by_cpu, key=cpus.idle_of)[: runner.allowed_cpus]
    return Affinity(frozenset(busiest), ",".join(map(str, sorted(busiest))), "")


def _wanted(runner: Runner) -> float:
    return (runner.running or 0.0) + (runner.waiting or 0.0)


def _mean_idle(numbers: set[int], cpus: CpuTime) -> float:
    return sum(cpus.idle_of(each) for each in numbers) / len(numbers)


def _binds(runner: Runner, allowed: set[int], cpus: CpuTime) -> bool:
    others = set(cpus.by_cpu) - allowed
    return (
        _wanted(runner) >= WANTED * len(allowed)
        and runner.cores >= BUSY * len(allowed) / 2
        and 1 - _mean_idle(allowed, cpus) >= BUSY
        and _mean_idle(others, cpus) >= IDLE
    )


def _verdict(runner: Runner, affinity: Affinity, allowed: list[int], cpus: CpuTime) -> Verdict:
    subject = Subject(runner.service, runner.pid)
    wanted = _wanted(runner)
    return Verdict(
        subject=subject,
        headline=(
            f"{subject.name} may use {len(allowed)} of {cpus.count} CPUs ({affinity.text}) and has work for "
            f"{number(round(wanted, 1))}"
        ),
        impact=Impact(
            min(0.9, runner.wait_share),
            runner.waiting or 0.0,
            "s/s",
            f"{percent(runner.wait_share)} of the time in which it could work, it waits for a CPU it may use",
        ),
        evidence=tuple(_evidence(runner, affinity, set(allowed), cpus)),
        ruled_out=(
            RuledOut("cpu.noisy_neighbour", "other CPUs are idle, it may not use them"),
            RuledOut(
                "cpu.cgroup_throttling", f"a quota accounts for {number(round(1000 * runner.throttled))} ms/s"
            ),
        ),
        recommendations=tuple(_recommendations(runner, affinity, wanted, cpus)),
        will_not_help=(
            WillNotHelp("more threads or workers", "they inherit the same CPUs"),
            WillNotHelp("a larger host", "it may not use the CPUs that this one has"),
        ),
        explains=EXPLAINS,
    )


def _evidence(runner: Runner, affinity: Affinity, allowed: set[int], cpus: CpuTime) -> Iterator[Evidence]:
    mine, wanted = (("service", runner.service),), _wanted(runner)
    text = f"it may run on CPU {affinity.text} only, of {cpus.count}"
    metric = "process_allowed_cpus"
    pid = (("pid", str(runner.pid)),)
    yield Evidence(
        "supports",
        "decides",
        text,
        metric,
        len(allowed),
        "CPUs",
        cpus.count,
        "sched_getaffinity(2)",
        1.0,
        pid,
    )
    text = f"{number(round(wanted, 1))} of its threads are running or ready, on average"
    metric, limit = "service_run_delay_seconds_total", WANTED * len(allowed)
    clear = strength(wanted, limit, CLEAR_WANTED * len(allowed))
    yield Evidence(
        "supports", "decides", text, metric, wanted, "threads", limit, "/proc/PID/schedstat", clear, mine
    )
    idle = _mean_idle(set(cpus.by_cpu) - allowed, cpus)
    text = (
        f"the other CPUs are idle {percent(idle)} of the time, its own {percent(_mean_idle(allowed, cpus))}"
    )
    clear = strength(idle, IDLE, CLEAR_IDLE)
    yield Evidence(
        "supports", "separates", text, "cpu_seconds_total", idle, "ratio", IDLE, "/proc/stat", clear
    )


def _recommendations(
    runner: Runner, affinity: Affinity, wanted: float, cpus: CpuTime
) -> Iterator[Recommendation]:
    proposed = min(cpus.count, math.ceil(wanted))
    every = f"0-{cpus.count - 1}"
    if affinity.cpuset:
        how = f"widen the cpuset {affinity.cpuset} (cpuset.cpus; a container's --cpuset-cpus) to {proposed} CPUs"
    elif runner.service.endswith(".service"):
        how = f"systemctl set-property {runner.service} AllowedCPUs={every}; without CPUAffinity= in its unit"
    else:
        how = (
            f"taskset -a -cp {every} {runner.pid}, and what set it: a call of sched_setaffinity, taskset, "
            "CPUAffinity="
        )
    formula = f"{number(round(wanted, 1))} threads that run or are ready, {cpus.count} CPUs"
    expected = "it runs whenever some CPU is idle"
    yield Recommendation(Code(runner.service, how), formula, expected, "low", "caches of more CPUs are used")
