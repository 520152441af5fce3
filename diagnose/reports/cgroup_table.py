"""The groups of a host at one time: what each uses of its CPU quota, its memory limit and its tasks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from diagnose.reports import latest
from diagnose.reports.readings import Readings

METRICS = (
    "cgroup_cpu_usage_seconds_total",
    "cgroup_cpu_limit_cores",
    "cgroup_cpu_throttled_seconds_total",
    "cgroup_memory_usage_bytes",
    "cgroup_memory_limit_bytes",
    "cgroup_tasks",
    "cgroup_tasks_limit",
)


@dataclass(frozen=True, slots=True)
class CgroupRow:
    """`cpus` is CPU time per time; None is not measured, or no limit."""

    cgroup: str
    service: str
    cpus: float | None
    cpu_limit: float | None
    throttled: float | None
    memory_bytes: float | None
    memory_limit_bytes: float | None
    tasks: float | None
    tasks_limit: float | None

    @property
    def cpu_ratio(self) -> float | None:
        return self.cpus / self.cpu_limit if self.cpus is not None and self.cpu_limit else None

    @property
    def memory_ratio(self) -> float | None:
        limit = self.memory_limit_bytes
        return self.memory_bytes / limit if self.memory_bytes is not None and limit else None

    @property
    def tightness(self) -> float:
        """How near to any of its limits it is: what to look at first."""
        return max(self.cpu_ratio or 0, self.memory_ratio or 0, 1.0 if self.throttled else 0)


def cgroup_rows(readings: Readings, at_ns: int) -> list[CgroupRow]:
    """Nearest to a limit first, then the busiest. `readings` have METRICS of one host."""
    values: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for metric, found in latest.of_readings(readings, METRICS, at_ns).items():
        for each in found:
            labels = each.ref.labels
            values[labels.get("cgroup", ""), labels.get("service", "")][metric] = each.value
    rows = [CgroupRow(*key, *(found.get(metric) for metric in METRICS)) for key, found in values.items()]
    return sorted(
        rows, key=lambda row: (-row.tightness, -(row.cpus or 0), -(row.memory_bytes or 0), row.cgroup)
    )
