"""What Go's runtime tells of each program that serves its profiles: collections, heap, processors, goroutines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.growth import Growth, growth, later_by_earlier
from diagnose.correlate.samples import Samples, Series

READS = (
    "go_gc_cpu_ratio",
    "go_gc_cycles_total",
    "go_gc_pause_seconds_total",
    "go_heap_bytes",
    "go_heap_goal_bytes",
    "go_gomaxprocs",
    "go_goroutines",
    "process_cpu_seconds_total",
    "process_age_seconds",
    "listener_accept_queue_length",
    "netstat_Tcp_CurrEstab",
)

# s; a heap's figures are told once a minute where they have to come from its profile
RECENT_SECONDS = 60.0
# of their process; a collector that is short of CPU looks less often
THERE_SECONDS = 40.0
# ten seconds apart
LEAST_READINGS = 4


@dataclass(frozen=True, slots=True)
class GoProgram:
    """One process. `gc_ratio` is of the CPU time that GOMAXPROCS allows. Rates per second; None: not told.

    `goroutines_later` is by how much they grew in the later half of the window, divided by the earlier half's.
    """

    pid: int
    service: str
    gc_ratio: float | None
    gc_cycles: float | None
    gc_pause: float | None
    heap_bytes: float | None
    heap_goal_bytes: float | None
    gomaxprocs: float | None
    cores: float | None
    goroutines: float | None
    goroutines_grown: float
    goroutines_growth: Growth | None
    goroutines_later: float | None
    connections_per_second: float | None
    age_seconds: float | None
    listeners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoPrograms:
    """By pid; programs that are gone are left out."""

    by_pid: Mapping[int, GoProgram]

    @classmethod
    def derive(cls, samples: Samples) -> GoPrograms | None:
        told = samples.by_process("go_goroutines") | samples.by_process("go_heap_bytes")
        found = {
            pid: _program(pid, series.labels.get("service", ""), samples)
            for pid, series in told.items()
            if samples.is_alive(pid, THERE_SECONDS)
        }
        return cls(found) if found else None


def _program(pid: int, service: str, samples: Samples) -> GoProgram:
    begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)

    def series(metric: str) -> Series | None:
        return samples.by_process(metric).get(pid)

    def last(metric: str) -> float | None:
        found = series(metric)
        return found.last if found else None

    def rate(metric: str) -> float | None:
        found = series(metric)
        return found.per_second(begin_ns) if found else None

    ratio, goroutines = series("go_gc_cpu_ratio"), series("go_goroutines")
    age = series("process_age_seconds")
    recent = ratio.since(begin_ns).values if ratio else ()
    connections = [growth(each) for each in samples.of("netstat_Tcp_CurrEstab")]
    listeners = samples.grouped("listener_accept_queue_length", "service").get(service, ())
    return GoProgram(
        pid=pid,
        service=service,
        gc_ratio=float(sum(recent) / len(recent)) if len(recent) else None,
        gc_cycles=rate("go_gc_cycles_total"),
        gc_pause=rate("go_gc_pause_seconds_total"),
        heap_bytes=last("go_heap_bytes"),
        heap_goal_bytes=last("go_heap_goal_bytes"),
        gomaxprocs=last("go_gomaxprocs"),
        cores=rate("process_cpu_seconds_total"),
        goroutines=goroutines.last if goroutines else None,
        goroutines_grown=goroutines.last - float(goroutines.values[0]) if goroutines else 0.0,
        goroutines_growth=growth(goroutines, LEAST_READINGS) if goroutines else None,
        goroutines_later=later_by_earlier(goroutines) if goroutines else None,
        connections_per_second=max((each.per_second for each in connections if each), default=None),
        age_seconds=samples.age(age) if age else None,
        listeners=tuple(sorted({each.labels.get("listener", "") for each in listeners})),
    )
