"""The CPUs are used up, and services that could run wait for one.

Symptom: everything on the host is slower, the slowest requests most; each thread waits before it runs.

Cause: more work is ready to run than the host has CPUs: own load that grew, a function that became dearer, or another
program on the same host.

Evidence: no CPU has time left, and threads of a service that listens wait for many milliseconds each time before they
get one. High use at short waits is a host put to good use. Load average is no evidence (it counts tasks that wait for
disks), and pressure (PSI) alone is none either: it rises as much where a quota holds one group back.

Recommendation: the programs and functions that use the CPUs, by what they use; fewer of them at once, a lower
priority for what can wait, or more CPUs.

Source: sched(7), Linux Documentation/scheduler/sched-stats.rst (run delay) and Documentation/accounting/psi.rst;
measured: p99 2 → 94 ms saturated; healthy threads wait 0.03 to 0.12 ms, and 1.7 → 4.8 ms of p99 beside batch work of
low weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.change import Code, Inspect, UnitSetting
from diagnose.correlate.rule import (
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.on_cpu import OnCpu
from diagnose.correlate.signals.run_queue import Consumer, RunQueue, Waiter
from diagnose.correlate.words import number, percent

EXPLAINS = ("app.acceptor_stalled",)

# of all CPUs' time, and of the one with most of it left: a thread that finds none idle waits
IDLE, CLEAR_IDLE = 0.1, 0.02
ONE_IDLE = 0.25
# s before a thread of the service gets a CPU, on average and in the longest of a hundred waits
SLICE_SECONDS, CLEAR_SLICE_SECONDS = 0.002, 0.01
P99_SECONDS, CLEAR_P99_SECONDS = 0.02, 0.06
# of the time that its threads run or wait; a service that sleeps most of the time is hardly harmed
WAITING_SHARE = 0.3
# of the CPU time in use that is known whose it is, and the largest service's: many small ones are nobody's fault
KNOWN_SHARE, LARGEST_SHARE = 0.5, 0.25
PRESSURE = 0.5


@dataclass(frozen=True, slots=True)
class _Case:
    queue: RunQueue
    waiter: Waiter
    consumers: tuple[Consumer, ...]

    @property
    def first(self) -> Consumer:
        return self.consumers[0]

    @property
    def p99(self) -> float | None:
        return self.waiter.waits.quantile(0.99)

    @property
    def waiting_share(self) -> float:
        return self.waiter.delayed / (self.waiter.delayed + self.waiter.running)


def check(queue: RunQueue, on_cpu: OnCpu | None) -> list[Verdict] | Unknown:
    """At most one verdict: of the service that waits longest. Unknown where it is not seen who uses the CPUs."""
    waiters = [each for each in queue.waiters if _waits(each)]
    if queue.idle > IDLE or queue.most_idle > ONE_IDLE or not waiters:
        return []
    if unknown := _unknown(queue):
        return unknown
    worst = max(waiters, key=lambda each: each.slice_seconds)
    return [_verdict(_Case(queue, worst, queue.consumers), on_cpu)]


def _unknown(queue: RunQueue) -> Unknown | None:
    known, used = (
        sum(each.cores for each in queue.consumers),
        f"of {number(round(queue.used, 2))} cores in use",
    )
    if known < KNOWN_SHARE * queue.used:
        return Unknown("who uses the CPUs", f"only those {used} on {number(round(known, 2))} were seen")
    first = queue.consumers[0]
    if first.cores < LARGEST_SHARE * queue.used:
        return Unknown(
            "who uses the CPUs", f"the largest, {first.service}, has {number(round(first.cores, 2))} {used}"
        )
    return None


def _waits(waiter: Waiter) -> bool:
    p99 = waiter.waits.quantile(0.99)
    share = waiter.delayed / (waiter.delayed + waiter.running) if waiter.delayed else 0.0
    long = waiter.slice_seconds >= SLICE_SECONDS and (p99 is None or p99 >= P99_SECONDS)
    return long and share >= WAITING_SHARE


def _verdict(case: _Case, on_cpu: OnCpu | None) -> Verdict:
    waiter, first = case.waiter, case.first
    text = (
        f"threads of {waiter.service} spend {percent(case.waiting_share)} of the time in which they could run waiting "
        "for a CPU"
    )
    return Verdict(
        subject=Subject(first.service, first.pid, whole_host=True),
        headline=(
            f"the {case.queue.cpus} CPUs are used up, {number(round(first.cores, 2))} of them by {first.service}: "
            f"{waiter.service} waits {_ms(waiter.slice_seconds)} ms each time before it runs"
        ),
        impact=Impact(min(0.9, case.waiting_share), waiter.delayed, "s/s", text),
        evidence=tuple(_evidence(case)),
        ruled_out=tuple(_ruled_out(case)),
        recommendations=tuple(_recommendations(case, on_cpu)),
        will_not_help=(
            WillNotHelp("more workers or threads", "they wait for the same CPUs"),
            WillNotHelp("larger queues and buffers", "what waits there waits for a CPU as well"),
        ),
        unknown=()
        if case.p99 is not None
        else (Unknown("the longest waits", "each wait was not timed (eBPF)"),),
        explains=EXPLAINS,
    )


def _ms(seconds: float) -> str:
    return number(round(1000 * seconds, 1))


def _evidence(case: _Case) -> Iterator[Evidence]:
    queue, waiter, labels = case.queue, case.waiter, (("service", case.waiter.service),)
    text = (
        f"{percent(queue.idle)} of the CPUs' time was left over, on none more than {percent(queue.most_idle)}"
    )
    clear = strength(queue.idle, IDLE, CLEAR_IDLE)
    metric = "cpu_seconds_total"
    yield Evidence("supports", "decides", text, metric, queue.idle, "ratio", IDLE, "/proc/stat", clear)
    text = f"a thread of {waiter.service} waits {_ms(waiter.slice_seconds)} ms each time before it gets a CPU"
    clear = strength(waiter.slice_seconds, SLICE_SECONDS, CLEAR_SLICE_SECONDS)
    metric, source = "service_run_delay_seconds_total", "/proc/PID/schedstat"
    yield Evidence(
        "supports", "decides", text, metric, waiter.slice_seconds, "s", SLICE_SECONDS, source, clear, labels
    )
    if case.p99 is None:
        yield Evidence(
            "missing", "separates", "how long the longest waits are was not counted", "runqueue_wait_seconds"
        )
    else:
        text = f"one wait in a hundred is longer than {_ms(case.p99)} ms"
        clear = strength(case.p99, P99_SECONDS, CLEAR_P99_SECONDS)
        metric = "runqueue_wait_seconds"
        yield Evidence(
            "supports", "separates", text, metric, case.p99, "s", P99_SECONDS, "eBPF", clear, labels
        )
    if queue.pressure is not None:
        text = f"somebody waited for a CPU in {percent(min(1.0, queue.pressure))} of the time"
        kind, metric = supports_if(queue.pressure >= PRESSURE), "pressure_cpu_waiting_seconds_total"
        yield Evidence(kind, "corroborates", text, metric, queue.pressure, "ratio", PRESSURE, "PSI")


def _ruled_out(case: _Case) -> Iterator[RuledOut]:
    reason = "time that a quota held threads back is not counted as waiting here"
    yield RuledOut("cpu.cgroup_throttling", reason)
    reason = f"the CPU with most time left has {percent(case.queue.most_idle)}: all of them are used up"
    yield RuledOut("network.softirq_imbalance", reason)


def _lower_priority(service: str) -> UnitSetting | Code:
    if service.endswith(".service"):
        return UnitSetting(service, "CPUWeight", "100", "20")
    return Code(service, "start it with nice -n 10, or put it into a control group of little weight")


def _recommendations(case: _Case, on_cpu: OnCpu | None) -> Iterator[Recommendation]:
    queue = case.queue
    used = ", ".join(
        f"{each.service} {number(round(each.cores, 2))}"
        + (f" ({each.processes})" if each.processes > 1 else "")
        for each in case.consumers[:3]
    )
    formula = f"{number(round(queue.used, 2))} of {queue.cpus} cores in use: {used}"
    profile = on_cpu.by_pid.get(case.first.pid) if on_cpu else None
    if profile and profile.functions:
        function = profile.functions[0]
        share = function.count / profile.samples
        what = f"it has {percent(share)} of its process's CPU time: make it cheaper or do it less often"
        yield Recommendation(Code(function.place, what), formula, "its share of the CPUs is free", "medium")
    else:
        purpose = "see which functions use the CPUs"
        command = f"py-spy top --pid {case.first.pid}  # or: perf top -p {case.first.pid}"
        yield Recommendation(
            Inspect(case.first.service, purpose, command), formula, "one or two stand out", "none"
        )
    if case.first.service != case.waiter.service:
        change = _lower_priority(case.first.service)
        expected = f"{case.waiter.service} runs first; it takes what is left over"
        yield Recommendation(change, formula, expected, "low", "it takes longer")
    lacking = max(1, round(case.waiter.delayed))
    what = f"{lacking} CPUs more, or fewer workers and as much less work"
    formula = f"{number(round(case.waiter.delayed, 2))} threads of {case.waiter.service} wait on average"
    yield Recommendation(Code("this host", what), formula, "threads find an idle CPU", "low")
