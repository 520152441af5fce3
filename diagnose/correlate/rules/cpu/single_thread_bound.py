"""One thread of a service computes all the time, and the other CPUs of the host have nothing to do.

Symptom: throughput stops growing at one core's worth while the host looks idle; requests queue.

Cause: the work goes through one thread: a program with one worker, an event loop that computes, a runtime that runs
one thread at a time.

Evidence: the service uses one core, no less and no more, for half a minute, hardly any of its other threads is ready
to run, and the host has a core to spare. Where many threads are ready and one runs, they wait for a lock: that is
told by itself, and so is the function where stacks show that one dominates.

Recommendation: as many workers or processes as the host has CPUs for; or less work for each request, by the function
that the profile names.

Source: proc_pid_stat(5); M/M/1: at 95 % of one server the wait is twenty times the service time.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.interval import wilson
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Verdict,
    WillNotHelp,
    Workers,
    strength,
)
from diagnose.correlate.signals.cpu_time import CpuTime
from diagnose.correlate.signals.on_cpu import OnCpu, OnCpuOf
from diagnose.correlate.signals.runners import Runner, Runners
from diagnose.correlate.words import number, percent

EXPLAINS = ("app.acceptor_stalled", "app.slow_reader", "network.accept_queue_overflow")

# cores: a thread that has all of one; more is another thread's, or many threads'
ONE_CORE, CLEAR_CORE, MOST_CORES = 0.85, 0.95, 1.15
# threads that run or are ready, on average: others wait for a lock, or the host is short of CPUs
READY = 1.5
# cores of the host that are idle
SPARE, CLEAR_SPARE = 0.6, 2.0
# it runs one thread of Python at a time by nature: its lock, its functions and its workers are rules of their own
PYTHON = "python"


def check(runners: Runners, cpus: CpuTime, on_cpu: OnCpu | None) -> list[Verdict]:
    """One verdict a service."""
    spare = cpus.idle * cpus.count
    if spare < SPARE:
        return []
    profiles = on_cpu.by_pid if on_cpu else {}
    bound = (each for each in runners.by_service.values() if each.listeners and _is_bound(each))
    return [_verdict(each, spare, profiles.get(each.pid or 0)) for each in bound]


def _is_bound(service: Runner) -> bool:
    ready = (service.running or 0.0) + (service.waiting or 0.0)
    alone = service.running is not None and ready <= READY
    return ONE_CORE <= service.cores <= MOST_CORES and alone and not service.runtime.startswith(PYTHON)


def _verdict(service: Runner, spare: float, profile: OnCpuOf | None) -> Verdict:
    subject = Subject(service.service, service.pid)
    return Verdict(
        subject=subject,
        headline=f"{subject.name} is bound to one thread: it has a core, and {number(round(spare, 1))} are idle",
        impact=Impact(
            0.4 * min(1.0, service.cores),
            service.cores,
            "cores",
            "what comes while the one thread works has to wait, and no other core helps",
        ),
        evidence=tuple(_evidence(service, spare, profile)),
        ruled_out=(
            RuledOut("cpu.noisy_neighbour", f"{number(round(spare, 1))} cores are idle"),
            RuledOut(
                "cpu.cgroup_throttling",
                f"a quota accounts for {number(round(1000 * service.throttled))} ms/s",
            ),
        ),
        recommendations=tuple(_recommendations(service, spare, profile)),
        will_not_help=(
            WillNotHelp("a host with more CPUs", "one thread uses one of them"),
            WillNotHelp("a higher priority", "it runs all the time as it is"),
        ),
        explains=EXPLAINS,
    )


def _evidence(service: Runner, spare: float, profile: OnCpuOf | None) -> Iterator[Evidence]:
    labels, mine = (("service", service.service),), (("pid", str(service.pid)),)
    text = f"the service uses {number(round(service.cores, 2))} cores"
    clear, metric = strength(service.cores, ONE_CORE, CLEAR_CORE), "process_cpu_seconds_total"
    yield Evidence(
        "supports", "decides", text, metric, service.cores, "cores", ONE_CORE, "/proc/PID/stat", clear, mine
    )
    ready = (service.running or 0.0) + (service.waiting or 0.0)
    text = f"{number(round(ready, 2))} of its threads run or are ready, on average"
    clear, metric = strength(ready, READY, 1.0), "service_run_delay_seconds_total"
    yield Evidence("supports", "separates", text, metric, ready, "threads", READY, "schedstat", clear, labels)
    text = f"{number(round(spare, 1))} cores of the host are idle"
    clear, metric = strength(spare, SPARE, CLEAR_SPARE), "cpu_seconds_total"
    yield Evidence("supports", "separates", text, metric, spare, "cores", SPARE, "/proc/stat", clear)
    if profile is None:
        yield Evidence("missing", "corroborates", "what the thread does was not sampled")
        return
    function = profile.functions[0]
    low, high = wilson(function.count, profile.samples)
    text = f"most of it in {function.place}: {percent(low)} to {percent(high)} of its samples"
    yield Evidence("supports", "corroborates", text, "", low, "ratio", labels=mine, profile="cpu")


def _recommendations(service: Runner, spare: float, profile: OnCpuOf | None) -> Iterator[Recommendation]:
    now = max(1, len(service.pids))
    proposed = now + max(1, int(spare))
    formula = f"{now} that has one core, and {number(round(spare, 1))} idle cores"
    change = Workers(service.service, now, proposed)
    yield Recommendation(change, formula, "the work is shared out over the cores", "low", restart="service")
    where = profile.functions[0].place if profile else f"{service.service}: the thread that computes"
    what = "do less for each request, or hand the computing to a pool of processes"
    yield Recommendation(Code(where, what), formula, "the one thread keeps up", "medium", restart="service")
