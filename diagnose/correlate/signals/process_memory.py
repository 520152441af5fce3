"""Memory of each process and how it grows, with what tells a leak from a start: age, and whether it slows down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.growth import Growth, growth, later_by_earlier
from diagnose.correlate.samples import Samples, Series

READS = (
    "process_resident_memory_bytes",
    "process_swap_bytes",
    "process_age_seconds",
    "process_cpu_seconds_total",
    "netstat_Tcp_CurrEstab",
    "listener_accept_queue_length",
)


# five to ten seconds apart
LEAST_READINGS = 4
# cores; the ticks of a process that hardly runs tell of no load
IDLE_CORES = 0.03


@dataclass(frozen=True, slots=True)
class MemoryOf:
    """One process. `later` is by how much it grew in the later half of `seconds`, divided by the earlier half's.

    `connections_per_second` is by how many more are open, in the network namespace where they grow most.
    `load` is the same of the CPU time it used. Memory in swap counts: it is not given back by being swapped out.
    """

    pid: int
    service: str
    bytes: float
    grown_bytes: float
    seconds: float
    growth: Growth | None
    later: float | None
    load: float | None
    age_seconds: float | None
    connections_per_second: float
    serves: bool


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """By pid; processes that are gone are left out."""

    by_pid: dict[int, MemoryOf]

    @classmethod
    def derive(cls, samples: Samples) -> ProcessMemory | None:
        read = {metric: samples.by_process(metric) for metric in READS if metric.startswith("process_")}
        connections = [growth(each, LEAST_READINGS) for each in samples.of("netstat_Tcp_CurrEstab")]
        opened = max((each.low for each in connections if each), default=0.0)
        found = {
            pid: _memory(
                pid, {metric: each[pid] for metric, each in read.items() if pid in each}, opened, samples
            )
            for pid, series in read["process_resident_memory_bytes"].items()
            if samples.is_present(series)
        }
        return cls(found) if found else None


def _memory(pid: int, read: Mapping[str, Series], opened: float, samples: Samples) -> MemoryOf:
    series = read["process_resident_memory_bytes"]
    service = series.labels.get("service", "")
    cpu, age = read.get("process_cpu_seconds_total"), read.get("process_age_seconds")
    swap = read.get("process_swap_bytes")
    listening = samples.grouped("listener_accept_queue_length", "service")
    return MemoryOf(
        pid=pid,
        service=service,
        bytes=series.last + (swap.last if swap else 0.0),
        grown_bytes=series.last - float(series.values[0]),
        seconds=float(series.times_ns[-1] - series.times_ns[0]) / 1e9,
        growth=growth(series, LEAST_READINGS),
        later=later_by_earlier(series),
        load=_load(cpu, int(series.times_ns[0])) if cpu else None,
        age_seconds=samples.age(age) if age else None,
        connections_per_second=max(0.0, opened),
        serves=bool(service) and service in listening,
    )


def _load(cpu: Series, begin_ns: int) -> float | None:
    """CPU time per second of the later half by that of the earlier one; of next to none at all, 1."""
    if (cpu.per_second(begin_ns) or 0.0) < IDLE_CORES:
        return 1.0
    middle_ns = (begin_ns + int(cpu.times_ns[-1])) // 2
    later = cpu.per_second(middle_ns)
    earlier = cpu.until(middle_ns).per_second(begin_ns)
    return later / earlier if later is not None and earlier else None
