"""What fills up: a row for each kind of resource, with where its level and its limit are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.correlate.samples import Samples, Series

_HOUR, _DAY = 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class Resource:
    """`used` is a metric of its level, or `left` one of what is left of it.

    The limit is a metric of the same labels, or the `place`-th number of a fact (None: how many numbers lie between
    its two). What is full within `soon_seconds` becomes a finding of `rule`, before anything fails.
    """

    name: str
    title: str
    unit: str
    used: str = ""
    left: str = ""
    limit: str = ""
    fact: str = ""
    place: int | None = 0
    rule: str = ""
    soon_seconds: float = _HOUR

    @property
    def metric(self) -> str:
        return self.used or self.left


_PORTS, _SYSCTL = "sysctl.net.ipv4.ip_local_port_range", "sysctl.net.ipv4"
RESOURCES = (
    Resource("process_fds", "open files", "files", "process_open_fds", limit="process_max_fds"),
    Resource(
        "system_fds", "open files of the host", "files", "filefd_allocated",
        limit="filefd_maximum", rule="limits.system_fds",
    ),
    Resource("tasks", "threads of the host", "threads", "tasks", limit="tasks_limit", rule="limits.tasks"),
    Resource(
        "cgroup_tasks", "threads", "threads", "cgroup_tasks", limit="cgroup_tasks_limit", rule="limits.tasks"
    ),
    Resource(
        "conntrack", "tracked connections", "entries", "nf_conntrack_entries",
        limit="nf_conntrack_entries_limit", rule="network.conntrack_full",
    ),
    Resource(
        "ports", "local ports to one destination", "ports", "tcp_destination_time_wait",
        fact=_PORTS, place=None, rule="network.ephemeral_port_exhaustion",
    ),
    Resource(
        "time_wait", "connections in TIME_WAIT", "connections", "sockstat_TCP_tw",
        fact=f"{_SYSCTL}.tcp_max_tw_buckets", rule="network.time_wait_overflow",
    ),
    Resource(
        "orphans", "connections without a process", "connections", "sockstat_TCP_orphan",
        fact=f"{_SYSCTL}.tcp_max_orphans", rule="network.orphan_sockets",
    ),
    Resource(
        "tcp_memory", "memory of TCP buffers", "pages", "sockstat_TCP_mem",
        fact=f"{_SYSCTL}.tcp_mem", place=2, rule="network.tcp_memory_pressure",
    ),
    Resource(
        "disk_space", "disk space", "bytes", left="filesystem_avail_bytes",
        limit="filesystem_size_bytes", rule="disk.full", soon_seconds=_DAY,
    ),
    Resource(
        "inodes", "inodes", "inodes", left="filesystem_files_free",
        limit="filesystem_files", rule="disk.full", soon_seconds=_DAY,
    ),
    Resource(
        "memory", "memory of the host", "bytes", left="memory_MemAvailable_bytes", limit="memory_MemTotal_bytes"
    ),
    Resource(
        "cgroup_memory", "memory that no file backs", "bytes", "cgroup_memory_anon_bytes",
        limit="cgroup_memory_limit_bytes", rule="memory.cgroup_limit",
    ),
)  # fmt: skip
BY_NAME: Mapping[str, Resource] = {each.name: each for each in RESOURCES}
READS = tuple(dict.fromkeys(name for each in RESOURCES for name in (each.metric, each.limit) if name))


@dataclass(frozen=True, slots=True)
class Level:
    """One resource over time, and its limit now."""

    resource: Resource
    labels: Mapping[str, str]
    times_ns: NDArray[np.int64]
    used: NDArray[np.float64]
    limit: float


def levels(samples: Samples) -> Iterator[Level]:
    """Of every resource that was read and has a limit."""
    for resource in RESOURCES:
        limits = {_key(each): each.last for each in samples.of(resource.limit)} if resource.limit else {}
        fixed = _of_fact(samples.facts.get(resource.fact, ""), resource.place)
        for series in samples.of(resource.metric):
            limit = limits.get(_key(series)) if resource.limit else fixed
            if limit is not None and limit > 0:
                used = series.values if resource.used else limit - series.values
                yield Level(resource, series.labels, series.times_ns, used, limit)


def _key(series: Series) -> frozenset[tuple[str, str]]:
    return frozenset(series.labels.items())


def _of_fact(text: str, place: int | None) -> float | None:
    numbers = text.split()
    if not numbers or not all(number.isdecimal() for number in numbers):
        return None
    if place is None:
        return float(numbers[1]) - float(numbers[0]) + 1 if len(numbers) == 2 else None
    return float(numbers[place]) if place < len(numbers) else None
