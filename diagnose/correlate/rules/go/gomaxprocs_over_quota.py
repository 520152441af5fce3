"""A Go program runs more threads at a time than its CPU quota has cores, and stands still for the rest of each period.

Symptom: latency in steps of 100 ms, collections that take long, though the host is idle and the mean use is modest.

Cause: GOMAXPROCS is the number of the host's CPUs unless it is set: programs built with Go before 1.25 do not look at
the quota of their control group. That many threads, the collector's among them, use the quota up in a fraction of
each period.

Evidence: GOMAXPROCS as the runtime tells it, else as its environment or its version says, against the least quota of
all groups above the program; and the time for which that quota held it back. The number of threads tells nothing:
those that wait in system calls do not count.

Recommendation: GOMAXPROCS of the quota's whole cores, by the environment, go.uber.org/automaxprocs, or a build with
Go 1.25 or later and `go 1.25` in go.mod; or a quota to match.

Source: runtime.GOMAXPROCS; go.dev/doc/go1.25 (container-aware GOMAXPROCS, at least 2);
Documentation/scheduler/sched-bwc.rst.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.rule import (
    Code,
    CpuQuota,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Variable,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.cpus import Cpus
from diagnose.correlate.signals.go_programs import GoPrograms
from diagnose.correlate.signals.go_settings import GoSettings, Quota
from diagnose.correlate.words import number

EXPLAINS = (
    "app.acceptor_stalled",
    "app.slow_reader",
    "cpu.cgroup_throttling",
    "go.gc_pressure",
    "network.accept_queue_overflow",
)

# times the quota's cores; a half more is what rounding up gives
OVER, CLEAR_OVER = 1.5, 3.0
# s/s for which the quota held it back; without it nothing is lost yet
HELD, CLEAR_HELD = 0.05, 0.3
# Go's version from which the quota may be followed, if the main module's go directive says so as well
FOLLOWS = (1, 25)
ENVIRONMENT = "its environment"


@dataclass(frozen=True, slots=True)
class _Processors:
    """`told` by the runtime, and not inferred."""

    number: float
    source: str
    told: bool


def check(settings: GoSettings, programs: GoPrograms | None, cpus: Cpus) -> list[Verdict] | Unknown:
    """One verdict a service that its quota holds back."""
    found, unsure = [], []
    for service, quota in settings.quotas.items():
        if quota.held < HELD:
            continue
        processors = _processors(service, settings, programs, cpus)
        if processors is None:
            unsure.append(service)
        elif processors.number >= OVER * quota.cores and processors.number > 1:
            found.append(_verdict(service, quota, processors, programs))
    if unsure and not found:
        return Unknown(
            "GOMAXPROCS",
            f"{', '.join(unsure)}, of Go 1.25 or later or unknown version, does not tell its GOMAXPROCS",
        )
    return found


def _processors(
    service: str, settings: GoSettings, programs: GoPrograms | None, cpus: Cpus
) -> _Processors | None:
    """The runtime's own word, else the environment's, else the default of old versions: the CPUs it may run on."""
    told = (
        [each.gomaxprocs for each in programs.by_pid.values() if each.service == service] if programs else []
    )
    for number_told in told:
        if number_told is not None:
            return _Processors(number_told, "the runtime's metrics", True)
    if (set_to := settings.gomaxprocs(service)) is not None:
        return _Processors(float(set_to), ENVIRONMENT, True)
    version = settings.version(service)
    if version is None or version >= FOLLOWS:
        return None
    allowed = settings.allowed_cpus.get(service, cpus.count)
    return _Processors(float(allowed), f"the default of Go {version[0]}.{version[1]}", False)


def _verdict(service: str, quota: Quota, processors: _Processors, programs: GoPrograms | None) -> Verdict:
    pid = (
        next((each.pid for each in programs.by_pid.values() if each.service == service), None)
        if programs
        else None
    )
    cores, held = number(round(quota.cores, 2)), number(round(1000 * quota.held))
    return Verdict(
        subject=Subject(service, pid, cgroup=quota.cgroup),
        headline=(
            f"{service} runs {number(processors.number)} threads at a time on a quota of {cores} cores, and stands "
            f"still for {held} ms/s"
        ),
        impact=Impact(
            min(0.9, quota.held),
            quota.held,
            "s/s",
            f"what comes while it stands still waits for up to a period of 100 ms; {held} ms of each second are lost",
        ),
        evidence=tuple(_evidence(quota, processors)),
        ruled_out=(
            RuledOut("go.gc_pressure", "collections are slow as everything is: the quota is used up"),
        ),
        recommendations=tuple(_recommendations(service, quota, processors)),
        will_not_help=(
            WillNotHelp("a higher GOGC", "fewer collections use the quota up a little later"),
            WillNotHelp("a larger host", "GOMAXPROCS would grow with it, and the quota would not"),
        ),
        explains=EXPLAINS,
    )


def _evidence(quota: Quota, processors: _Processors) -> Iterator[Evidence]:
    labels, over = (("cgroup", quota.cgroup),), processors.number / quota.cores
    text = f"GOMAXPROCS is {number(processors.number)} by {processors.source}, {number(round(over, 1))} times the quota"
    clear = strength(over, OVER, CLEAR_OVER) * (1.0 if processors.told else 0.7)
    metric = "cgroup_cpu_limit_cores"
    yield Evidence("supports", "decides", text, metric, over, "ratio", OVER, "cpu.max", clear, labels)
    text = f"the quota held the group back for {number(round(1000 * quota.held))} ms of each second"
    clear, metric = strength(quota.held, HELD, CLEAR_HELD), "cgroup_cpu_throttled_seconds_total"
    yield Evidence("supports", "decides", text, metric, quota.held, "s/s", HELD, "cpu.stat", clear, labels)
    if not processors.told:
        yield Evidence("missing", "separates", "the program does not tell its GOMAXPROCS", "go_gomaxprocs")


def _recommendations(service: str, quota: Quota, processors: _Processors) -> Iterator[Recommendation]:
    proposed = max(1, math.floor(quota.cores))
    formula = f"the whole cores of the quota of {number(round(quota.cores, 2))}"
    current = number(processors.number) if processors.source == ENVIRONMENT else ""
    change = Variable(service, "GOMAXPROCS", current, str(proposed))
    expected = "the quota lasts for the whole period"
    yield Recommendation(change, formula, expected, "low", "less is done at once", "service")
    what = "import go.uber.org/automaxprocs, or build it with Go 1.25 or later and `go 1.25` in go.mod"
    yield Recommendation(Code(service, what), formula, expected, "low", restart="service")
    wanted = math.ceil(10 * min(processors.number, quota.cores + quota.held)) / 10
    formula = f"{number(round(quota.cores, 2))} cores and the {number(round(quota.held, 2))} s/s that it stood still"
    limit = CpuQuota(service, quota.cgroup, quota.cores, wanted)
    yield Recommendation(limit, formula, "hardly any throttled time", "low", "others get less CPU")
