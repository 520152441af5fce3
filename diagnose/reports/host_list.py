"""One row per host: how it is now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from diagnose.reports import latest
from diagnose.reports.latest import Latest
from diagnose.store.hosts import HostRow, NamedHost

State = Literal["live", "late", "silent", "never"]
# The agent ships every few seconds; one missed minute is a restart or a busy network, five are an outage.
_LIVE = timedelta(seconds=60)
_LATE = timedelta(minutes=5)
_METRICS = ("cpu_seconds_total", "memory_MemTotal_bytes", "memory_MemAvailable_bytes")


@dataclass(frozen=True, slots=True)
class HostStatus:
    """Ratios are 0-1; None is not measured. `lag_seconds` is the age of the newest reading the server has."""

    id: int
    name: str
    agent: str
    state: State
    last_seen_at: datetime | None
    cpus: int | None
    cpu_ratio: float | None
    memory_ratio: float | None
    memory_bytes: float | None
    open_findings: int
    lag_seconds: float | None


def state_of(last_seen_at: datetime | None, now: datetime) -> State:
    if last_seen_at is None:
        return "never"
    age = now - last_seen_at
    return "live" if age <= _LIVE else "late" if age <= _LATE else "silent"


def statuses(
    hosts: Sequence[HostRow | NamedHost], open_findings: Mapping[int, int], now: datetime
) -> list[HostStatus]:
    """`open_findings` counts root causes by host id. The number of queries does not depend on that of hosts."""
    at_ns = int(now.timestamp() * 1e9)
    readings = latest.of_metrics([host.id for host in hosts], _METRICS, at_ns)
    by_host: dict[int, list[Latest]] = defaultdict(list)
    for found in readings.values():
        for each in found:
            by_host[each.ref.host_id].append(each)
    return [_status(host, by_host[host.id], open_findings.get(host.id, 0), now) for host in hosts]


def without_readings(
    hosts: Sequence[HostRow | NamedHost], open_findings: Mapping[int, int], now: datetime
) -> list[HostStatus]:
    """Only what is known without the store: of thousands of hosts, the last minute takes a second to read."""
    return [_status(host, (), open_findings.get(host.id, 0), now) for host in hosts]


def _status(
    host: HostRow | NamedHost, readings: Sequence[Latest], open_findings: int, now: datetime
) -> HostStatus:
    busy = _busy(readings)
    gauges = {each.ref.metric: each.value for each in readings if not each.ref.counter}
    total, available = gauges.get("memory_MemTotal_bytes"), gauges.get("memory_MemAvailable_bytes")
    newest = max((each.time_ns for each in readings), default=None)
    return HostStatus(
        id=host.id,
        name=host.name,
        agent=host.agent,
        state=state_of(host.last_seen_at, now),
        last_seen_at=host.last_seen_at,
        cpus=len(busy) or None,
        cpu_ratio=sum(busy.values()) / len(busy) if busy else None,
        memory_ratio=1 - available / total if total and available is not None else None,
        memory_bytes=total,
        open_findings=open_findings,
        lag_seconds=None if newest is None else max(0.0, now.timestamp() - newest / 1e9),
    )


def _busy(readings: Sequence[Latest]) -> dict[str, float]:
    """Share of time at work by CPU: all modes that are neither idle nor waiting for a disk."""
    busy: Counter[str] = Counter()
    for each in readings:
        if each.ref.metric == "cpu_seconds_total":
            idle = each.ref.labels.get("mode") in {"idle", "iowait"}
            busy[each.ref.labels.get("cpu", "")] += 0.0 if idle else each.value  # type: ignore[assignment]
    return {cpu: min(1.0, value) for cpu, value in busy.items()}
