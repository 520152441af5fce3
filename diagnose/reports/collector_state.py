"""What a host's collector itself uses, and what it still has to deliver."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from diagnose.reports import latest

_CPU, _MEMORY = "collector_cpu_seconds_total", "collector_resident_memory_bytes"
_BATCHES, _BYTES = "collector_spool_batches", "collector_spool_bytes"
_SLOWDOWN, _SUSPENDED = "collector_slowdown_ratio", "collector_suspended_probes"


@dataclass(frozen=True, slots=True)
class OwnUse:
    """Of all parts of the collector together; None is not measured.

    `slowdown` is the factor by which its intervals grew, and `resting` how many probes rest, to stay in its budget.
    """

    cpus: float | None
    resident_bytes: float | None
    spool_batches: float | None
    spool_bytes: float | None = None
    slowdown: float | None = None
    resting: float | None = None


def own_use(host_id: int, at_ns: int) -> OwnUse:
    return own_uses([host_id], at_ns)[host_id]


def own_uses(host_ids: Sequence[int], at_ns: int) -> dict[int, OwnUse]:
    """By host id, every one of them."""
    metrics = (_CPU, _MEMORY, _BATCHES, _BYTES, _SLOWDOWN, _SUSPENDED)
    sums: dict[int, dict[str, float]] = defaultdict(dict)
    for metric, rows in latest.of_metrics(host_ids, metrics, at_ns).items():
        for each in rows:
            of_host = sums[each.ref.host_id]
            of_host[metric] = of_host.get(metric, 0.0) + each.value
    return {host_id: OwnUse(*(sums[host_id].get(metric) for metric in metrics)) for host_id in host_ids}
