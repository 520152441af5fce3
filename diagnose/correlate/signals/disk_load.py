"""How busy each disk is, how long its requests take, who moves how much, and whose threads wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples, Series

_COUNTERS = {
    "busy": "disk_io_time_seconds_total",
    "queue": "disk_io_time_weighted_seconds_total",
    "reads": "disk_reads_completed_total",
    "read_bytes": "disk_read_bytes_total",
    "read_time": "disk_read_time_seconds_total",
    "writes": "disk_writes_completed_total",
    "written_bytes": "disk_written_bytes_total",
    "write_time": "disk_write_time_seconds_total",
}
READS = (
    *_COUNTERS.values(),
    "process_io_read_bytes_total",
    "process_io_written_bytes_total",
    "process_io_delay_seconds_total",
    "service_threads_waiting",
    "listener_accept_queue_length",
    "pressure_io_waiting_seconds_total",
)

RECENT_SECONDS = 30.0
# What a thread that waits for a disk is seen in. One that reads memory from swap or a mapped file is seen running.
_WAITS = ("file", "sync")


@dataclass(frozen=True, slots=True)
class Disk:
    """Per second; `busy` 0…1 of the time, `queue` requests on average, the waits in seconds a request."""

    device: str
    busy: float
    queue: float
    reads: float
    writes: float
    read_bytes: float
    written_bytes: float
    read_wait: float
    write_wait: float


@dataclass(frozen=True, slots=True)
class IoOf:
    """A service, per second. `waiting` threads on average; `delay` as the kernel counts it, None where it does not."""

    service: str
    pids: tuple[int, ...]
    read_bytes: float
    written_bytes: float
    waiting: float | None
    delay: float | None
    listeners: tuple[str, ...]

    @property
    def bytes(self) -> float:
        return self.read_bytes + self.written_bytes

    @property
    def waits(self) -> float:
        """Threads that wait for a disk, by the better of the two accounts."""
        return max(self.waiting or 0.0, self.delay or 0.0)


@dataclass(frozen=True, slots=True)
class DiskLoad:
    """All disks, and all services with processes that were there at the end of the window."""

    disks: tuple[Disk, ...]
    services: Mapping[str, IoOf]
    pressure: float | None

    @classmethod
    def derive(cls, samples: Samples) -> DiskLoad | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        devices = samples.grouped(_COUNTERS["busy"], "device")
        disks = [_disk(name, samples, begin_ns) for name in devices]
        known = tuple(disk for disk in disks if disk)
        pressure = samples.of("pressure_io_waiting_seconds_total")
        waited = pressure[0].per_second(begin_ns) if pressure else None
        return cls(known, _services(samples, begin_ns), waited) if known else None


def _disk(device: str, samples: Samples, begin_ns: int) -> Disk | None:
    rates: dict[str, float] = {}
    for what, metric in _COUNTERS.items():
        found = samples.grouped(metric, "device").get(device)
        rate = found[0].per_second(begin_ns) if found else None
        if rate is None:
            return None
        rates[what] = rate
    read_time, write_time = rates.pop("read_time"), rates.pop("write_time")
    waits = {
        "read_wait": read_time / rates["reads"] if rates["reads"] else 0.0,
        "write_wait": write_time / rates["writes"] if rates["writes"] else 0.0,
    }
    return Disk(device, **rates, **waits)


def _services(samples: Samples, begin_ns: int) -> dict[str, IoOf]:
    per_process = {
        metric: samples.by_process(metric)
        for metric in (
            "process_io_read_bytes_total",
            "process_io_written_bytes_total",
            "process_io_delay_seconds_total",
        )
    }
    pids: dict[str, list[int]] = {}
    for pid, series in per_process["process_io_read_bytes_total"].items():
        if samples.is_present(series):
            pids.setdefault(series.labels.get("service", ""), []).append(pid)

    def total(metric: str, mine: list[int]) -> float:
        found = (per_process[metric].get(pid) for pid in mine)
        return sum((each.per_second(begin_ns) or 0.0) for each in found if each)

    def moved(pid: int) -> float:
        return total("process_io_read_bytes_total", [pid]) + total("process_io_written_bytes_total", [pid])

    listeners = samples.grouped("listener_accept_queue_length", "service")
    waits = samples.grouped("service_threads_waiting", "service")
    delayed = per_process["process_io_delay_seconds_total"]
    return {
        service: IoOf(
            service=service,
            pids=tuple(sorted(mine, key=moved, reverse=True)),
            read_bytes=total("process_io_read_bytes_total", mine),
            written_bytes=total("process_io_written_bytes_total", mine),
            waiting=_waiting(waits.get(service, ()), begin_ns),
            delay=total("process_io_delay_seconds_total", mine)
            if any(pid in delayed for pid in mine)
            else None,
            listeners=tuple(sorted({each.labels.get("listener", "") for each in listeners.get(service, ())})),
        )
        for service, mine in pids.items()
    }


def _waiting(waits: tuple[Series, ...], begin_ns: int) -> float | None:
    recent = {each.labels.get("wait", ""): each.since(begin_ns).values for each in waits}
    known = {kind: values for kind, values in recent.items() if len(values)}
    return sum(float(known[kind].mean()) for kind in _WAITS if kind in known) if known else None
