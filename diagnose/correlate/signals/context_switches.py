"""Which processes switch between threads how often, and what their service's threads wait for in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = (
    "process_context_switches_total",
    "process_cpu_seconds_total",
    "process_threads",
    "service_threads_waiting",
)

RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class SwitchesOf:
    """One process, per second: switches because a thread waited, and because it lost the CPU. `waits` are threads of
    the service by what they wait for, on average."""

    pid: int
    service: str
    voluntary: float
    involuntary: float
    cores: float
    threads: float
    waits: Mapping[str, float]

    @property
    def total(self) -> float:
        return self.voluntary + self.involuntary


@dataclass(frozen=True, slots=True)
class ContextSwitches:
    """By pid, of processes that used CPU."""

    by_pid: Mapping[int, SwitchesOf]

    @classmethod
    def derive(cls, samples: Samples) -> ContextSwitches | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        rates: dict[int, dict[str, float]] = {}
        for series in samples.of("process_context_switches_total"):
            rate, text = series.per_second(begin_ns), series.labels.get("pid", "")
            if rate is not None and text.isdecimal() and samples.is_present(series):
                rates.setdefault(int(text), {})[series.labels.get("type", "")] = rate
        cpu, threads = (samples.by_process(name) for name in ("process_cpu_seconds_total", "process_threads"))
        found = {}
        for pid, mine in rates.items():
            cores = cpu[pid].per_second(begin_ns) if pid in cpu else None
            if cores is not None:
                service = cpu[pid].labels.get("service", "")
                found[pid] = SwitchesOf(
                    pid=pid,
                    service=service,
                    voluntary=mine.get("voluntary", 0.0),
                    involuntary=mine.get("involuntary", 0.0),
                    cores=cores,
                    threads=threads[pid].last if pid in threads else 1.0,
                    waits=_waits(service, samples, begin_ns),
                )
        return cls(found) if found else None


def _waits(service: str, samples: Samples, begin_ns: int) -> dict[str, float]:
    found = {}
    for series in samples.grouped("service_threads_waiting", "service").get(service, ()):
        recent = series.since(begin_ns).values
        if len(recent):
            found[series.labels.get("wait", "")] = float(recent.mean())
    return found
