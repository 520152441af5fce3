"""What a host's collector itself uses, and what it still has to deliver."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.reports import latest

_CPU, _MEMORY, _SPOOL = (
    "collector_cpu_seconds_total",
    "collector_resident_memory_bytes",
    "collector_spool_batches",
)


@dataclass(frozen=True, slots=True)
class OwnUse:
    """Of all parts of the collector together; None is not measured."""

    cpus: float | None
    resident_bytes: float | None
    spool_batches: float | None


def own_use(host_id: int, at_ns: int) -> OwnUse:
    found = latest.of_metrics([host_id], (_CPU, _MEMORY, _SPOOL), at_ns)
    sums = {metric: sum(each.value for each in rows) if rows else None for metric, rows in found.items()}
    return OwnUse(sums[_CPU], sums[_MEMORY], sums[_SPOOL])
