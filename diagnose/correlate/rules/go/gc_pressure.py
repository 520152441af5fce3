"""A Go program spends much of its CPU time on collecting garbage.

Symptom: throughput is a fraction of what it was, the median of latency rises several times, while the highest
latencies may stay as they are; CPU use is high.

Cause: it allocates faster than its heap may grow between two collections: GOGC is low, GOMEMLIMIT is nearly used up,
or each request makes much garbage. Goroutines that allocate have to help the collector, so that requests get slower.

Evidence: the share of its CPU time that collections took, between readings of the runtime's own account (its fraction
since the start says nothing about now) or else of its stacks, and how many there were. Few pauses prove nothing: most
of a collection runs beside the program.

Recommendation: a GOGC computed from the measured share and what it costs in memory; the places that allocate, from
the heap profile (alloc_space); buffers that are used again.

Source: runtime.MemStats (GCCPUFraction), tip.golang.org/doc/gc-guide (cost is inverse to GOGC); measured with a low
GOGC: 8 → 55 % of CPU, 58 → 293 collections a second, 8,660 → 1,980 requests/s, p99 unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.goframes import place
from diagnose.correlate.interval import wilson
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Inspect,
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
from diagnose.correlate.signals.go_cpu import GoCpu, GoCpuOf
from diagnose.correlate.signals.go_pauses import GoPauses, PausesOf
from diagnose.correlate.signals.go_programs import GoProgram, GoPrograms
from diagnose.correlate.signals.go_settings import GoSettings
from diagnose.correlate.words import number, percent, size

EXPLAINS = ("app.acceptor_stalled", "app.slow_reader", "cpu.saturation", "network.accept_queue_overflow")

# of the CPU time that it used; a healthy server stays below a tenth
SHARE, CLEAR_SHARE = 0.25, 0.5
# collections a second; fewer are long ones of a large heap, which is not what this is about
CYCLES = 1.0
# cores; below it nobody is short of CPU for it
LEAST_CORES = 0.2
# samples; fewer leave the interval wider than ±0.13
LEAST_SAMPLES = 60
# of its CPU time: what the proposed setting aims at
AIM = 0.05
# times; what differs less between stretches with and without pauses may be chance
ALIGNED = 1.5
DEFAULT_GOGC, MOST_GOGC = 100, 1000


@dataclass(frozen=True, slots=True)
class _Pressure:
    """`share` of the CPU time that a program used, by its own account or (`sampled`) by its stacks, at the low end of
    their interval."""

    pid: int
    service: str
    share: float
    cores: float
    program: GoProgram | None
    cpu: GoCpuOf | None
    sampled: bool


def check(
    programs: GoPrograms | None,
    cpu: GoCpu | None,
    cpus: Cpus,
    settings: GoSettings | None,
    pauses: GoPauses | None,
) -> list[Verdict] | Unknown:
    """One verdict a program. Unknown where none tells of its collections and none was sampled."""
    if programs is None and cpu is None:
        return Unknown(
            "collections", "no program of Go tells of them, and none was sampled while it computed"
        )
    told, seen = programs.by_pid if programs else {}, cpu.by_pid if cpu else {}
    stops = pauses.by_service if pauses else {}
    found = [_pressure(told.get(pid), seen.get(pid), cpus) for pid in told.keys() | seen.keys()]
    return [_verdict(each, settings, stops.get(each.service)) for each in found if each and _is_high(each)]


def _pressure(program: GoProgram | None, cpu: GoCpuOf | None, cpus: Cpus) -> _Pressure | None:
    """By the runtime's own account where there is one of now."""
    if program and program.gc_ratio is not None and program.cores:
        share = min(1.0, program.gc_ratio * (program.gomaxprocs or cpus.count) / program.cores)
        return _Pressure(program.pid, program.service, share, program.cores, program, cpu, False)
    if cpu and cpu.samples >= LEAST_SAMPLES:
        low, _ = wilson(cpu.collecting, cpu.samples)
        return _Pressure(cpu.pid, cpu.service, low, cpu.cores, program, cpu, True)
    return None


def _is_high(found: _Pressure) -> bool:
    cycles = found.program.gc_cycles if found.program else None
    seldom = cycles is not None and cycles < CYCLES
    return found.share >= SHARE and found.cores >= LEAST_CORES and not seldom


def _verdict(found: _Pressure, settings: GoSettings | None, pauses: PausesOf | None) -> Verdict:
    subject, share = Subject(found.service, found.pid), found.share
    cycles = found.program.gc_cycles if found.program else None
    often = f"{number(round(cycles, 1))} garbage collections a second" if cycles else "collecting garbage"
    return Verdict(
        subject=subject,
        headline=f"{subject.name} spends {percent(share)} of its CPU time on {often}",
        impact=Impact(
            min(0.9, share),
            share * found.cores,
            "cores",
            f"without them it could do {number(round(1 / (1 - min(share, 0.9)), 1))} times the work",
        ),
        evidence=(*_evidence(found), *_stopped(found.service, pauses)),
        ruled_out=(RuledOut("app.hot_function", f"{percent(share)} of its CPU time is the collector's"),),
        recommendations=tuple(_recommendations(found, settings)),
        will_not_help=(
            WillNotHelp("runtime.GC() by hand", "it adds a collection, and takes none away"),
            WillNotHelp("a higher GOMAXPROCS", "the collector takes its share of each"),
        ),
        explains=EXPLAINS,
    )


def _evidence(found: _Pressure) -> Iterator[Evidence]:
    labels, share = (("pid", str(found.pid)),), found.share
    clear, cores = strength(share, SHARE, CLEAR_SHARE), number(round(found.cores, 2))
    if found.sampled and found.cpu:
        text = (
            f"{found.cpu.collecting} of {found.cpu.samples} samples of its CPU time are in the collector: at least "
            f"{percent(share)} of the {cores} cores that it used"
        )
        yield Evidence("supports", "decides", text, "", share, "ratio", SHARE, "stacks", clear, labels, "cpu")
        yield Evidence(
            "missing", "separates", "how often it collects, it does not tell", "go_gc_cycles_total"
        )
        return
    text, metric = f"collections took {percent(share)} of the {cores} cores that it used", "go_gc_cpu_ratio"
    yield Evidence(
        "supports", "decides", text, metric, share, "ratio", SHARE, "runtime.MemStats", clear, labels
    )
    if found.program:
        yield from _told(found.program, labels)


def _told(program: GoProgram, labels: tuple[tuple[str, str], ...]) -> Iterator[Evidence]:
    if program.gc_cycles is not None:
        cycles, metric = program.gc_cycles, "go_gc_cycles_total"
        text, clear = (
            f"{number(round(cycles, 1))} collections a second",
            strength(cycles, CYCLES, 20 * CYCLES),
        )
        yield Evidence("supports", "separates", text, metric, cycles, "1/s", CYCLES, "", clear, labels)
    if program.heap_goal_bytes:
        text = f"a collection is due when the heap has {size(program.heap_goal_bytes)}"
        metric = "go_heap_goal_bytes"
        yield Evidence("supports", "corroborates", text, metric, program.heap_goal_bytes, "B", labels=labels)
    if program.gc_pause is not None:
        text = f"they stopped the program for {number(round(1000 * program.gc_pause, 1))} ms of each second"
        metric = "go_gc_pause_seconds_total"
        yield Evidence("supports", "corroborates", text, metric, program.gc_pause, "s/s", labels=labels)


def _stopped(service: str, pauses: PausesOf | None) -> Iterator[Evidence]:
    """Pauses as seen from outside, and what happened at the times that had most of them."""
    if pauses is None:
        return
    labels, metric = (("service", service),), "go_stop_the_world_seconds"
    text = (
        f"the runtime let nothing run for {number(round(1000 * pauses.stopped, 1))} ms of each second, up to "
        f"{number(round(1000 * pauses.longest, 2))} ms at a time"
    )
    yield Evidence("supports", "corroborates", text, metric, pauses.stopped, "s/s", labels=labels)
    waited, otherwise = pauses.accept_wait_with, pauses.accept_wait_without
    if waited is not None and otherwise is not None and waited >= ALIGNED * otherwise:
        text = (
            f"when it stopped most, connections waited {number(round(1000 * waited, 1))} ms to be accepted (p95), else "
            f"{number(round(1000 * otherwise, 1))} ms"
        )
        yield Evidence("supports", "corroborates", text, "accept_wait_seconds", waited, "s", labels=labels)
    served, otherwise = pauses.requests_with, pauses.requests_without
    if served is not None and otherwise is not None and otherwise >= ALIGNED * served:
        share = percent(1 - served / otherwise)
        text, metric = f"when it stopped most, it answered {share} fewer requests", "go_http_request_seconds"
        yield Evidence("supports", "corroborates", text, metric, served, "requests", labels=labels)


def _recommendations(found: _Pressure, settings: GoSettings | None) -> Iterator[Recommendation]:
    set_to, share = settings.gogc(found.service) if settings else None, found.share
    current = set_to or DEFAULT_GOGC
    # the collector's cost for the same work is inverse to GOGC
    wanted = share / (1 - min(share, 0.95)) / (AIM / (1 - AIM))
    proposed = min(MOST_GOGC, max(DEFAULT_GOGC, round(current * wanted, -1)))
    if proposed > current:
        formula = (
            f"GOGC={current} at {percent(share)}: {percent(AIM)} need {number(round(wanted, 1))} times of it"
        )
        expected = f"near {percent(AIM)} of its CPU time"
        goal = found.program.heap_goal_bytes if found.program else None
        if goal:
            more = size(goal * (100 + proposed) / (100 + current) - goal)
            expected = f"{expected}, for {more} more heap; with GOMEMLIMIT as the bound"
        change = Variable(found.service, "GOGC", str(set_to or ""), f"{proposed:.0f}")
        yield Recommendation(change, formula, expected, "medium", "it uses more memory", "service")
    yield _allocate_less(found)


def _allocate_less(found: _Pressure) -> Recommendation:
    sites = found.cpu.sites if found.cpu else ()
    formula = f"{percent(found.share)} of its CPU time"
    if sites and found.cpu:
        where, count = sites[0].where, sites[0].count
        what = "make less garbage here: buffers that are used again (sync.Pool), sizes given to make, fewer copies"
        formula = f"{count} of {found.cpu.samples} samples allocate for it"
        return Recommendation(
            Code(place(where), what), formula, "fewer collections", "low", restart="service"
        )
    purpose = (
        "see which lines allocate most: make less garbage there (sync.Pool, buffers that are used again)"
    )
    heap = "http://localhost:PORT/debug/pprof/heap"
    command = f"go tool pprof -sample_index=alloc_space -top {heap}  # of pid {found.pid}"
    inspect = Inspect(f"pid {found.pid}", purpose, command)
    return Recommendation(inspect, formula, "the lines that allocate", "none")
