"""A real-time task keeps the CPU from all ordinary ones.

Symptom: everything on the host stutters in steps of a second, though one program is content; even a shell hangs.

Cause: a thread under SCHED_FIFO or SCHED_RR runs until it sleeps by itself. Where it computes instead, ordinary tasks
get what kernel.sched_rt_runtime_us leaves: 5 % of each second by default, and nothing where that was set to -1.

Evidence: a service with real-time threads uses a CPU, and ordinary services wait for milliseconds each time they are
ready. A real-time thread that sleeps most of the time, as audio and watchdogs do, harms nobody.

Recommendation: an ordinary policy with a higher weight, or CPUs of its own for the real-time task; the kernel's limit
back in force where it was switched off.

Source: sched(7); Documentation/scheduler/sched-rt-group.rst.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    Subject,
    Sysctl,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.cpu_time import CpuTime
from diagnose.correlate.signals.realtime_limit import RealtimeLimit
from diagnose.correlate.signals.runners import Runner, Runners
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "app.acceptor_stalled",
    "app.slow_reader",
    "cpu.noisy_neighbour",
    "cpu.saturation",
    "network.accept_queue_overflow",
    "network.udp_receive_overflow",
)

# s that an ordinary thread waits each time; a fair scheduler with two or three on a CPU stays below
A_WAIT, CLEAR_WAIT = 0.005, 0.05
# of the time that it could run
WAIT_SHARE = 0.3
# s/s of all threads of the service that waits
LEAST_WAITING = 0.05
# cores that the real-time service uses; less leaves the others their turn
TAKES, CLEAR_TAKES = 0.5, 0.9


def check(runners: Runners, cpus: CpuTime, limit: RealtimeLimit | None) -> list[Verdict]:
    """One verdict a real-time service that others wait for."""
    found = runners.by_service.values()
    starved = [each for each in found if not each.realtime_threads and _starves(each)]
    takers = [each for each in found if each.realtime_threads and each.cores >= TAKES]
    if not starved:
        return []
    worst = max(starved, key=lambda each: (bool(each.listeners), each.seconds_a_wait))
    return [_verdict(taker, worst, cpus, limit) for taker in takers]


def _starves(service: Runner) -> bool:
    return (
        (service.waiting or 0.0) >= LEAST_WAITING
        and service.wait_share >= WAIT_SHARE
        and service.seconds_a_wait >= A_WAIT
    )


def _verdict(taker: Runner, starved: Runner, cpus: CpuTime, limit: RealtimeLimit | None) -> Verdict:
    name, wait = Subject(taker.service, taker.pid).name, number(round(1000 * starved.seconds_a_wait, 1))
    waits = Subject(starved.service, starved.pid).name
    return Verdict(
        subject=Subject(taker.service, taker.pid, whole_host=True),
        headline=f"{name} runs with real-time priority, and {waits} waits {wait} ms for each turn",
        impact=Impact(
            min(0.9, starved.wait_share),
            starved.waiting or 0.0,
            "s/s",
            f"{percent(starved.wait_share)} of the time in which it could work, it waits for a CPU",
        ),
        evidence=tuple(_evidence(taker, starved, cpus)),
        recommendations=tuple(_recommendations(taker, limit)),
        will_not_help=(
            WillNotHelp("nice -n -20 for what waits", "any real-time task goes before any ordinary one"),
            WillNotHelp("more CPU weight for what waits", "weights share out what real-time tasks leave"),
        ),
        explains=EXPLAINS,
    )


def _evidence(taker: Runner, starved: Runner, cpus: CpuTime) -> Iterator[Evidence]:
    theirs, mine = (("service", taker.service),), (("service", starved.service),)
    text = f"{number(taker.realtime_threads)} threads of {taker.service} have a real-time policy"
    metric = "service_realtime_threads"
    yield Evidence(
        "supports", "decides", text, metric, taker.realtime_threads, "threads", 0, "sched(7)", 1.0, theirs
    )
    text = f"it uses {number(round(taker.cores, 2))} of {cpus.count} CPUs"
    metric, clear = "process_cpu_seconds_total", strength(taker.cores, TAKES, CLEAR_TAKES)
    yield Evidence(
        "supports", "separates", text, metric, taker.cores, "cores", TAKES, "/proc/PID/stat", clear, theirs
    )
    wait = starved.seconds_a_wait
    text = f"threads of {starved.service} wait {number(round(1000 * wait, 1))} ms each time before they get a CPU"
    metric, clear = "service_run_delay_seconds_total", strength(wait, A_WAIT, CLEAR_WAIT)
    yield Evidence("supports", "decides", text, metric, wait, "s", A_WAIT, "/proc/PID/schedstat", clear, mine)


def _recommendations(taker: Runner, limit: RealtimeLimit | None) -> Iterator[Recommendation]:
    pids = " ".join(f"chrt -a -o -p 0 {pid};" for pid in taker.pids[:3]).rstrip(";")
    formula = f"{number(round(taker.cores, 2))} cores of computing under a real-time policy"
    what = (
        f"an ordinary policy ({pids}; CPUSchedulingPolicy=other in the unit), with CPUWeight=1000 if it "
        "has to go first"
    )
    yield Recommendation(
        Code(taker.service, what), formula, "the others have their turns", "medium", "it may be late"
    )
    if limit and limit.switched_off:
        change = Sysctl("kernel.sched_rt_runtime_us", limit.runtime_us, 950_000)
        text = "the kernel's default: 95 % of each second at most"
        yield Recommendation(change, text, "ordinary tasks have 5 % of each second", "low")
