"""Another service takes the CPUs while this one waits for them.

Symptom: latency rises at times that have nothing to do with the service's own load; it uses less CPU than before.

Cause: a job of somebody else runs on the same host: a build, a backup with compression, a batch, a service without
limits. The scheduler shares the CPUs evenly, and the service gets its turn later.

Evidence: the service's threads are ready and wait for milliseconds each time, time under a quota taken off; no CPU is
idle; and another service uses most of them, more than this one does. High CPU use at short waits is healthy: work of
low weight lets others go first.

Recommendation: less weight for the neighbour (CPUWeight, nice), which costs it nothing while CPUs are idle; or a
quota that leaves what the service wants, computed here; or another host for it.

Source: Linux kernel/sched/stats.h (run delay); systemd.resource-control(5) on CPUWeight=; measured: run delay 277 →
4,278 ms/s, 1.3–12.6 ms a switch against 30–120 µs on a healthy host.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    UnitSetting,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.cpu_time import CpuTime
from diagnose.correlate.signals.runners import Runner, Runners
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "app.acceptor_stalled",
    "app.slow_reader",
    "cpu.saturation",
    "network.accept_queue_overflow",
    "network.udp_receive_overflow",
    "python.gil_contention",
)

# s that a thread waits each time: 30 to 120 µs on a healthy host, 1.3 ms and more where CPUs are lacking
A_WAIT, CLEAR_WAIT = 0.001, 0.004
# of the time that it could run
WAIT_SHARE = 0.3
# s/s; below it a service that hardly runs was unlucky a few times
LEAST_WAITING = 0.02
# of all CPUs
IDLE = 0.15
# of all CPUs that the neighbour has, and times what the service itself uses: else its own load is what grew
TAKES, CLEAR_TAKES, TIMES = 0.4, 0.8, 2.0
# of the default of 100: the neighbour gets a sixth of a CPU that both want
LESS_WEIGHT = 20


def check(runners: Runners, cpus: CpuTime) -> list[Verdict]:
    """One verdict a neighbour, with the service that waits most for it."""
    if cpus.idle > IDLE:
        return []
    waiting = [each for each in runners.by_service.values() if each.listeners and _waits(each)]
    worst: dict[str, tuple[Runner, Runner]] = {}
    for victim in sorted(waiting, key=lambda each: each.waiting or 0.0):
        if taker := _taker(victim, runners, cpus):
            worst[taker.service] = victim, taker
    return [_verdict(victim, taker, cpus) for victim, taker in worst.values()]


def _waits(service: Runner) -> bool:
    waiting = service.waiting or 0.0
    return waiting >= LEAST_WAITING and service.wait_share >= WAIT_SHARE and service.seconds_a_wait >= A_WAIT


def _taker(victim: Runner, runners: Runners, cpus: CpuTime) -> Runner | None:
    """Who uses most, if that is most of what there is. A real-time task is another rule's."""
    others = (each for each in runners.by_service.values() if each.service != victim.service)
    most = max(others, key=lambda each: each.cores, default=None)
    if most is None or most.cores < max(TAKES * cpus.count, TIMES * victim.cores):
        return None
    return most


def _verdict(victim: Runner, taker: Runner, cpus: CpuTime) -> Verdict:
    subject = Subject(victim.service, victim.pid)
    wait = number(round(1000 * victim.seconds_a_wait, 1))
    cores = number(round(taker.cores, 1))
    name = Subject(taker.service, taker.pid).name
    return Verdict(
        subject=Subject(taker.service, taker.pid, whole_host=True),
        headline=f"{subject.name} waits {wait} ms for each turn: {name} uses {cores} of {cpus.count} CPUs",
        impact=Impact(
            min(0.9, victim.wait_share),
            victim.waiting or 0.0,
            "s/s",
            f"{percent(victim.wait_share)} of the time in which it could work, it waits for a CPU",
        ),
        evidence=tuple(_evidence(victim, taker, cpus)),
        ruled_out=tuple(_ruled_out(victim, taker)),
        recommendations=tuple(_recommendations(victim, taker, cpus)),
        will_not_help=(
            WillNotHelp("more workers in this service", "they wait in the same queue"),
            WillNotHelp("a higher CPU quota for this service", "no quota holds it back, the CPUs are taken"),
        ),
        explains=EXPLAINS,
    )


def _evidence(victim: Runner, taker: Runner, cpus: CpuTime) -> Iterator[Evidence]:
    mine, theirs = (("service", victim.service),), (("service", taker.service),)
    wait = victim.seconds_a_wait
    text = f"its threads wait {number(round(1000 * wait, 1))} ms each time before they get a CPU"
    metric, clear = "service_run_delay_seconds_total", strength(wait, A_WAIT, CLEAR_WAIT)
    yield Evidence("supports", "decides", text, metric, wait, "s", A_WAIT, "/proc/PID/schedstat", clear, mine)
    share = taker.cores / cpus.count
    text = f"{taker.service} uses {percent(share)} of all CPUs, this service {percent(victim.cores / cpus.count)}"
    metric, clear = "process_cpu_seconds_total", strength(share, TAKES, CLEAR_TAKES)
    yield Evidence(
        "supports", "separates", text, metric, share, "ratio", TAKES, "/proc/PID/stat", clear, theirs
    )
    text = f"{percent(cpus.idle)} of the CPUs' time is idle"
    clear = strength(cpus.idle, IDLE, 0.0)
    yield Evidence("supports", "corroborates", text, "cpu_seconds_total", cpus.idle, "ratio", IDLE, "", clear)


def _ruled_out(victim: Runner, taker: Runner) -> Iterator[RuledOut]:
    held = number(round(1000 * victim.throttled))
    yield RuledOut(
        "cpu.cgroup_throttling", f"its quota accounts for {held} ms/s of waiting, which is taken off"
    )
    if not taker.realtime_threads:
        yield RuledOut("cpu.realtime_starvation", f"{taker.service} has no real-time priority")


def _recommendations(victim: Runner, taker: Runner, cpus: CpuTime) -> Iterator[Recommendation]:
    wanted = (victim.running or 0.0) + (victim.waiting or 0.0)
    has = f"{taker.service} has {number(round(taker.cores, 2))}"
    formula = f"the service wants {number(round(wanted, 2))} cores, {has}"
    expected, risk = "the service goes first; the neighbour has all CPUs that it leaves", "it takes longer"
    change: UnitSetting | Code
    if taker.service.endswith(".service"):
        change = UnitSetting(taker.service, "CPUWeight", "100", str(LESS_WEIGHT))
    else:
        pids = " ".join(map(str, taker.pids[:5]))
        what = f"renice -n 15 -p {pids}, or less cpu.weight (cpu.shares in v1) for its group"
        change = Code(taker.service, what)
    yield Recommendation(change, formula, expected, "low", risk)
    left = round(max(0.5, cpus.count - max(wanted, 0.1 * cpus.count)), 1)
    formula = f"{cpus.count} CPUs without the {number(round(wanted, 2))} cores that the service wants"
    what = f"a quota of {number(left)} cores (CPUQuota={round(100 * left)}%), or a host of its own"
    yield Recommendation(
        Code(taker.service, what), formula, "CPUs are there when it is ready", "medium", risk
    )
