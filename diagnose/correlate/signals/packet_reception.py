"""What receiving packets costs each CPU, and what it drops there."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples, Series

READS = (
    "softnet_processed_total",
    "softnet_dropped_total",
    "softnet_times_squeezed_total",
    "softnet_received_rps_total",
    "cpu_seconds_total",
)
FACTS = (
    "sysctl.net.core.netdev_max_backlog",
    "sysctl.net.core.netdev_budget",
    "sysctl.net.core.netdev_budget_usecs",
)

RECENT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class CpuReception:
    """One CPU lately; rates are per second. `softirq` and `idle` are shares 0…1 of its time, None where not read."""

    cpu: int
    packets: float
    dropped: float
    squeezed: float
    steered: float
    softirq: float | None
    idle: float | None


@dataclass(frozen=True, slots=True)
class PacketReception:
    """Every CPU that receives or could, and the settings of the host where they are known."""

    cpus: tuple[CpuReception, ...]
    max_backlog: int | None
    budget: int | None
    budget_usecs: int | None

    @classmethod
    def derive(cls, samples: Samples) -> PacketReception | None:
        if not samples.of("softnet_processed_total"):
            return None
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        rates: dict[int, dict[str, float]] = {}
        for metric in READS[:-1]:
            for series in samples.of(metric):
                if (cpu := _cpu(series)) is not None:
                    rates.setdefault(cpu, {})[metric] = _rate(series, begin_ns)
        times = _times(samples, begin_ns)
        cpus = tuple(_reception(cpu, found, times.get(cpu, {})) for cpu, found in sorted(rates.items()))
        return cls(cpus, *(samples.number(fact) for fact in FACTS))


def _cpu(series: Series) -> int | None:
    text = series.labels.get("cpu", "")
    return int(text) if text.isdecimal() else None


def _rate(series: Series, begin_ns: int) -> float:
    """Increase a second since the reading before `begin_ns`."""
    recent = series.since(begin_ns)
    if not len(recent.values):
        return 0.0
    before = max(0, len(series.values) - len(recent.values) - 1)
    seconds = float(series.times_ns[-1] - series.times_ns[before]) / 1e9
    return recent.total / max(seconds, 5.0)


def _times(samples: Samples, begin_ns: int) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, float]] = {}
    for series in samples.of("cpu_seconds_total"):
        if (cpu := _cpu(series)) is not None:
            found.setdefault(cpu, {})[series.labels.get("mode", "")] = _rate(series, begin_ns)
    return found


def _reception(cpu: int, rates: dict[str, float], times: dict[str, float]) -> CpuReception:
    whole = sum(times.values())
    return CpuReception(
        cpu,
        rates.get("softnet_processed_total", 0.0),
        rates.get("softnet_dropped_total", 0.0),
        rates.get("softnet_times_squeezed_total", 0.0),
        rates.get("softnet_received_rps_total", 0.0),
        times.get("softirq", 0.0) / whole if whole else None,
        times.get("idle", 0.0) / whole if whole else None,
    )
