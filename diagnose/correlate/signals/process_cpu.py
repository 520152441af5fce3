"""How many cores each process used lately, and which of them serve connections."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples, Series

READS = ("process_cpu_seconds_total", "listener_accept_queue_length")

# s; the mean over a minute: shorter spells of work are what a CPU is for
RECENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Process:
    """`cores` is CPU seconds per second. `listeners` are those of its service: a worker rarely owns the socket."""

    pid: int
    service: str
    cores: float
    seconds: float
    listeners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProcessCpu:
    """By pid; processes with too few readings in the last minute, or gone since, are left out."""

    by_pid: dict[int, Process]

    @classmethod
    def derive(cls, samples: Samples) -> ProcessCpu | None:
        listeners = _listeners(samples)
        recent_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        found = {}
        for pid, series in samples.by_process("process_cpu_seconds_total").items():
            rate = _rate(series.since(recent_ns))
            if rate is not None and samples.is_present(series):
                service = series.labels.get("service", "")
                found[pid] = Process(pid, service, *rate, listeners.get(service or str(pid), ()))
        return cls(found) if found else None


def _rate(series: Series) -> tuple[float, float] | None:
    """Increase per second and the seconds it covers; the first reading only marks where time begins."""
    if len(series.values) < 2:
        return None
    seconds = float(series.times_ns[-1] - series.times_ns[0]) / 1e9
    return float(series.values[1:].sum()) / seconds, seconds


def _listeners(samples: Samples) -> dict[str, tuple[str, ...]]:
    """Listener addresses by service; by pid where the service has no name."""
    found: dict[str, set[str]] = {}
    for series in samples.of("listener_accept_queue_length"):
        owner = series.labels.get("service") or series.labels.get("pid", "")
        found.setdefault(owner, set()).add(series.labels.get("listener", ""))
    return {owner: tuple(sorted(addresses)) for owner, addresses in found.items()}
