"""Who waits for a CPU, who uses them, and whether there is any left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.durations import Durations
from diagnose.correlate.samples import Samples, Series

READS = (
    "cpu_seconds_total",
    "service_run_seconds_total",
    "service_run_delay_seconds_total",
    "service_run_slices_total",
    "process_cpu_seconds_total",
    "cgroup_cpu_throttled_seconds_total",
    "listener_accept_queue_length",
    "pressure_cpu_waiting_seconds_total",
)
HISTOGRAMS = ("runqueue_wait_seconds",)

RECENT_SECONDS = 40.0
# Modes of cpu_seconds_total in which a CPU has nothing to do; the others are its use.
_UNUSED = ("idle", "iowait")


@dataclass(frozen=True, slots=True)
class Waiter:
    """A service that listens. `slice_seconds` is its wait before a thread got a CPU, on average; `waits` each of them
    (eBPF). Time that a quota held it back is not in the first, and neither is it in the second."""

    service: str
    pid: int | None
    running: float
    delayed: float
    slice_seconds: float
    waits: Durations


@dataclass(frozen=True, slots=True)
class Consumer:
    """A service by the cores it uses; `pid` is its largest process, `processes` how many it has."""

    service: str
    pid: int
    cores: float
    processes: int


@dataclass(frozen=True, slots=True)
class RunQueue:
    """Of the last `RECENT_SECONDS`. `idle` 0…1 of all CPUs' time, `least_idle` and `most_idle` of one; `used` in
    cores; `pressure` is the share of time in which somebody waited for a CPU."""

    cpus: int
    idle: float
    most_idle: float
    used: float
    pressure: float | None
    waiters: tuple[Waiter, ...]
    consumers: tuple[Consumer, ...]

    @classmethod
    def derive(cls, samples: Samples) -> RunQueue | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        shares = _idle(samples, begin_ns)
        if not shares or not samples.of("service_run_slices_total"):
            return None
        idle = sum(shares.values()) / len(shares)
        pressure = [_per_second(each, begin_ns) for each in samples.of("pressure_cpu_waiting_seconds_total")]
        return cls(
            cpus=len(shares),
            idle=idle,
            most_idle=max(shares.values()),
            used=len(shares) * (1 - idle),
            pressure=pressure[0] if pressure else None,
            waiters=tuple(_waiters(samples, begin_ns)),
            consumers=_consumers(samples, begin_ns),
        )


def _idle(samples: Samples, begin_ns: int) -> dict[str, float]:
    used: defaultdict[str, float] = defaultdict(float)
    whole: defaultdict[str, float] = defaultdict(float)
    for each in samples.of("cpu_seconds_total"):
        total, cpu = each.since(begin_ns).total, each.labels.get("cpu", "")
        whole[cpu] += total
        used[cpu] += 0.0 if each.labels.get("mode") in _UNUSED else total
    return {cpu: 1 - used[cpu] / whole[cpu] for cpu in whole if whole[cpu] > 0}


def _per_second(series: Series, begin_ns: int) -> float:
    """Increase a second since the reading before `begin_ns`, or the first."""
    first = max(1, len(series.values) - len(series.since(begin_ns).values))
    if first >= len(series.values):
        return 0.0
    seconds = float(series.times_ns[-1] - series.times_ns[first - 1]) / 1e9
    return float(series.values[first:].sum()) / seconds if seconds > 0 else 0.0


def _by_service(metric: str, samples: Samples, begin_ns: int) -> dict[str, float]:
    groups = samples.grouped(metric, "service")
    return {name: sum(_per_second(each, begin_ns) for each in group) for name, group in groups.items()}


def _waiters(samples: Samples, begin_ns: int) -> list[Waiter]:
    run, delay, slices, throttled = (
        _by_service(metric, samples, begin_ns)
        for metric in (
            "service_run_seconds_total",
            "service_run_delay_seconds_total",
            "service_run_slices_total",
            "cgroup_cpu_throttled_seconds_total",
        )
    )
    listening = samples.grouped("listener_accept_queue_length", "service")
    found = []
    for service, group in listening.items():
        if service and slices.get(service):
            waited = max(0.0, delay.get(service, 0.0) - throttled.get(service, 0.0))
            pid = next((each.labels["pid"] for each in group if "pid" in each.labels), None)
            pids = int(pid) if pid else None
            running = run.get(service, 0.0)
            waits = _waits(service, samples, begin_ns)
            found.append(Waiter(service, pids, running, waited, waited / slices[service], waits))
    return found


def _waits(service: str, samples: Samples, begin_ns: int) -> Durations:
    return Durations.of(
        each.between(begin_ns, samples.end_ns + 1)
        for each in samples.histograms_of("runqueue_wait_seconds")
        if each.labels.get("service") == service
    )


def _consumers(samples: Samples, begin_ns: int) -> tuple[Consumer, ...]:
    """The largest first."""
    cores: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for pid, series in samples.by_process("process_cpu_seconds_total").items():
        if samples.is_present(series):
            service = series.labels.get("service") or str(pid)
            cores[service][pid] = _per_second(series, begin_ns)
    found = (_consumer(service, mine) for service, mine in cores.items())
    return tuple(sorted(found, key=lambda each: -each.cores))


def _consumer(service: str, cores: Mapping[int, float]) -> Consumer:
    return Consumer(service, max(cores, key=lambda pid: cores[pid]), sum(cores.values()), len(cores))
