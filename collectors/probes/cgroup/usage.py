"""CPU, memory, tasks, I/O and pressure of every control group that holds processes, and limits of the groups above."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from collectors.kernel import cgroups
from collectors.kernel.cgroups import UNIFIED, Group
from collectors.probe import Cost, Host, Metric, NoData
from collectors.probes.cgroup import files
from collectors.readings import Counters, Series, gauge
from collectors.wire import Sample

_LABELS = ("cgroup", "service")
METRICS = (
    Metric("cgroup_cpu_usage_seconds_total", "s", "CPU time used.", _LABELS, True),
    Metric(
        "cgroup_cpu_periods_total", "", "Periods in which the group ran, where it has a quota.", _LABELS, True
    ),
    Metric("cgroup_cpu_throttled_periods_total", "", "Periods whose quota was used up.", _LABELS, True),
    Metric(
        "cgroup_cpu_throttled_seconds_total",
        "s",
        "Time the group was held back: judge this, not the share of periods.",
        _LABELS,
        True,
    ),
    Metric("cgroup_cpu_limit_cores", "", "CPU quota by period.", _LABELS),
    Metric("cgroup_memory_usage_bytes", "B", "Memory charged, page cache included.", _LABELS),
    Metric("cgroup_memory_limit_bytes", "B", "The hard limit.", _LABELS),
    Metric("cgroup_memory_high_bytes", "B", "Above it the group is slowed down (v2).", _LABELS),
    Metric("cgroup_memory_swap_bytes", "B", "Swap used (v2).", _LABELS),
    Metric("cgroup_memory_anon_bytes", "B", "Memory that no file backs.", _LABELS),
    Metric("cgroup_memory_file_bytes", "B", "Page cache.", _LABELS),
    Metric("cgroup_memory_refaults_total", "", "Pages read again soon after reclaim.", _LABELS, True),
    Metric("cgroup_memory_major_faults_total", "", "Faults that had to read from disk.", _LABELS, True),
    Metric(
        "cgroup_memory_events_total",
        "",
        "Times usage went over `high` or met `max`, and OOM kills.",
        (*_LABELS, "event"),
        True,
    ),
    Metric("cgroup_tasks", "", "Threads.", _LABELS),
    Metric("cgroup_tasks_limit", "", "The most there can be (pids.max).", _LABELS),
    Metric("cgroup_tasks_refused_total", "", "Times a thread or process was refused.", _LABELS, True),
    Metric("cgroup_io_read_bytes_total", "B", "Read from block devices.", _LABELS, True),
    Metric("cgroup_io_written_bytes_total", "B", "Written to block devices.", _LABELS, True),
    Metric(
        "cgroup_pressure_waiting_seconds_total",
        "s",
        "Time in which some task of the group waited for it (v2).",
        (*_LABELS, "resource"),
        True,
    ),
    Metric(
        "cgroup_pressure_stalled_seconds_total",
        "s",
        "Time in which all tasks of the group waited for it (v2).",
        (*_LABELS, "resource"),
        True,
    ),
)
_COUNTED = {metric.name for metric in METRICS if metric.counter}
_EXTRA = {metric.name: metric.labels[2] for metric in METRICS if len(metric.labels) > 2}
_LIMITS = {
    "cgroup_cpu_limit_cores",
    "cgroup_memory_limit_bytes",
    "cgroup_memory_high_bytes",
    "cgroup_tasks_limit",
}
MOST_GROUPS = 128

Read = Callable[[str], Iterator[files.Reading]]
V2: tuple[Read, ...] = (files.cpu_v2, files.memory_v2, files.pids, files.io_v2, files.pressure)
V1: dict[str, Read] = {
    "cpu": files.cpu_v1,
    "cpuacct": files.cpuacct_v1,
    "memory": files.memory_v1,
    "pids": files.pids,
    "blkio": files.io_v1,
}


class Cgroups:
    """Limits of all groups above count too: a service without a limit of its own may still be throttled."""

    NAME = "cgroups"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = METRICS

    def __init__(self) -> None:
        self._tree = cgroups.Tree()
        self._counters = Counters()

    def collect(self, host: Host) -> Iterator[Sample]:
        """Groups of v1 and v2 alike; the label `cgroup` is the path in the tree of the controller."""
        readings: dict[Series, float] = {}
        gauges: dict[Series, float] = {}
        mounted = False
        members = self._tree.read(host.proc)
        for controller, readers in ((UNIFIED, V2), *((name, (read,)) for name, read in V1.items())):
            mount = cgroups.mount(host.sys, controller)
            if mount is None:
                continue
            mounted = True
            for group in list(cgroups.groups(members, controller, mount, host.proc))[:MOST_GROUPS]:
                for metric, series, value in _read(group, readers):
                    (readings if metric in _COUNTED else gauges)[metric, series] = value
        if not mounted:
            raise NoData(f"{host.sys}/fs/cgroup has no control groups")
        for (metric, series), value in gauges.items():
            yield gauge(metric, host.now_ns, value, dict(series))
        yield from self._counters.points(host.now_ns, readings)


def _read(
    group: Group, readers: tuple[Read, ...]
) -> Iterator[tuple[str, tuple[tuple[str, str], ...], float]]:
    """A group of groups is told only where it has a limit."""
    labels = (("cgroup", group.path), *((("service", group.service),) if group.service else ()))
    for read in readers:
        found = list(read(group.directory))
        if group.service or any(metric in _LIMITS for metric, _, _ in found):
            for metric, extra, value in found:
                yield metric, ((*labels, (_EXTRA[metric], extra)) if extra else labels), value
