"""One function takes most of the CPU time of a service that has no CPU to spare.

Symptom: the service answers slowly or takes no more load; the process is near the one core that its Python can use.

Cause: much of each request is spent in one function, the library code it calls included: a slow algorithm, repeated
work, serialisation, a pattern compiled anew.

Evidence: the process keeps a core busy for a minute, it serves connections, and one function of its own owns at least
half of the on-CPU samples, even at the low end of their 95 % interval. A busy batch job that nobody waits for, or a
service with CPU to spare, is no finding.

Recommendation: the function by name and line, its share with the interval of its samples, and what a fix is worth by
Amdahl's law.

Source: Amdahl 1967; Wilson 1927 for the interval of a sampled share; py-spy samples of threads that were running.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.attribution import Function
from diagnose.correlate.interval import speed_up, wilson
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.on_cpu import OnCpu, OnCpuOf
from diagnose.correlate.signals.process_cpu import Process, ProcessCpu
from diagnose.correlate.signals.python_gil import PythonGil
from diagnose.correlate.words import number, percent

EXPLAINS = ("app.acceptor_stalled", "cpu.saturation", "network.accept_queue_overflow")

# cores; one interpreter runs one thread of Python at a time, and above 80 % of that one queueing doubles the time of
# a request several times over (M/M/1: 1/(1−ρ))
BUSY_CORES, CLEAR_CORES = 0.8, 0.95
# s of CPU readings; a service that starts computes for some seconds before it serves anybody
LEAST_SECONDS = 30.0
# of on-CPU samples at the low end of the interval: the one function is then worth more than all others together
DOMINANT_SHARE, CLEAR_SHARE = 0.5, 0.75
# samples; fewer leave the interval wider than ±0.13
LEAST_SAMPLES = 60
# threads that wait for the GIL; then what holds them back is python.gil_contention
WAITING = 0.3


def check(cpu: ProcessCpu, on_cpu: OnCpu | None, gil: PythonGil | None) -> list[Verdict] | Unknown:
    """One verdict a busy process that one function dominates. Unknown without stacks of a busy one."""
    busy = [each for each in cpu.by_pid.values() if _busy(each)]
    profiles = on_cpu.by_pid if on_cpu else {}
    seen = [each for each in busy if each.pid in profiles]
    found = [_verdict(each, profiles[each.pid], gil) for each in seen if _dominated(profiles[each.pid])]
    unseen = [Subject(each.service, each.pid).name for each in busy if each.pid not in profiles]
    if unseen and not found:
        return Unknown("which function", f"no stacks of {', '.join(unseen)}, which is busy")
    return found


def _busy(process: Process) -> bool:
    return process.cores >= BUSY_CORES and process.seconds >= LEAST_SECONDS and bool(process.listeners)


def _dominated(profile: OnCpuOf) -> bool:
    low, _ = wilson(profile.functions[0].count, profile.samples)
    return profile.samples >= LEAST_SAMPLES and low >= DOMINANT_SHARE


def _verdict(process: Process, profile: OnCpuOf, gil: PythonGil | None) -> Verdict:
    function = profile.functions[0]
    share = function.count / profile.samples
    subject = Subject(process.service, process.pid)
    return Verdict(
        subject=subject,
        headline=f"{subject.name} spends {percent(share)} of its CPU time in {function.short}",
        impact=_impact(process, function, share),
        evidence=tuple(_evidence(process, profile)),
        ruled_out=tuple(_ruled_out(process, profile, gil)),
        recommendations=(_recommendation(function, profile),),
        will_not_help=tuple(_will_not_help(profile)),
        unknown=(Unknown("latency", "the response time of this service is not measured"),),
        explains=EXPLAINS,
    )


def _impact(process: Process, function: Function, share: float) -> Impact:
    cores = share * process.cores
    text = (
        f"{function.name} uses {number(round(cores, 2))} of the {number(round(process.cores, 2))} cores that the "
        "service keeps busy; requests queue for the rest"
    )
    return Impact(share * min(1.0, process.cores), cores, "cores", text)


def _evidence(process: Process, profile: OnCpuOf) -> Iterator[Evidence]:
    labels = (("pid", str(process.pid)),)
    function = profile.functions[0]
    low, high = wilson(function.count, profile.samples)
    share = function.count / profile.samples
    text = (
        f"{function.place} with what it calls has {percent(share)} of {profile.samples} on-CPU samples "
        f"(95 % interval {percent(low)}–{percent(high)})"
    )
    clear = strength(low, DOMINANT_SHARE, CLEAR_SHARE)
    yield Evidence(
        "supports", "decides", text, "", share, "ratio", DOMINANT_SHARE, "py-spy", clear, labels, "cpu"
    )
    text = f"the process used {number(round(process.cores, 2))} cores over the last {process.seconds:.0f} s"
    clear = strength(process.cores, BUSY_CORES, CLEAR_CORES)
    metric = "process_cpu_seconds_total"
    yield Evidence(
        "supports",
        "decides",
        text,
        metric,
        process.cores,
        "cores",
        BUSY_CORES,
        "/proc/PID/stat",
        clear,
        labels,
    )
    text = f"somebody waits for it: it serves {', '.join(process.listeners)}"
    yield Evidence("supports", "separates", text, "listener_accept_queue_length", labels=labels)
    yield Evidence("missing", "corroborates", "the response time of this service is not measured")


def _ruled_out(process: Process, profile: OnCpuOf, gil: PythonGil | None) -> Iterator[RuledOut]:
    if len(profile.functions) > 1:
        second = profile.functions[1]
        reason = f"the next function, {second.name}, has {percent(second.count / profile.samples)}"
        yield RuledOut("app.layer_overhead", reason)
    lock = gil.by_pid.get(process.pid) if gil else None
    if lock and lock.waiting_threads is not None and lock.waiting_threads < WAITING:
        waiting = number(round(lock.waiting_threads, 2))
        yield RuledOut("python.gil_contention", f"{waiting} threads wait for the GIL on average")


def _recommendation(function: Function, profile: OnCpuOf) -> Recommendation:
    share, (low, high) = function.count / profile.samples, wilson(function.count, profile.samples)
    formula = (
        f"Amdahl at a share of {percent(share)} ({percent(low)}–{percent(high)}) in {profile.samples} samples"
    )
    expected = (
        f"twice as fast: {number(speed_up(share, 2))} times the throughput "
        f"({number(speed_up(low, 2))}–{number(speed_up(high, 2))}); not needed at all: "
        f"{number(speed_up(share, 1e9))} times"
    )
    what = "make it cheaper: better algorithm, cached result, work done once and not for each request"
    return Recommendation(Code(function.place, what), formula, expected, "medium", restart="service")


def _will_not_help(profile: OnCpuOf) -> Iterator[WillNotHelp]:
    if len(profile.functions) > 1:
        second = profile.functions[1]
        share = second.count / profile.samples
        reason = (
            f"the next one has {percent(share)}: at best {number(speed_up(share, 1e9))} times the throughput"
        )
        yield WillNotHelp("tune other functions first", reason)
