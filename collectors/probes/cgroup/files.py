"""What the files of one control group say, in the same words for v1 and v2. A limit that is none is left out."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.kernel import procfs

# Counters by metric and one more label's value ('' for none), gauges likewise.
Reading = tuple[str, str, float]
# The largest multiple of a page that a signed 64-bit number holds stands for "no limit" in v1 (PAGE_COUNTER_MAX).
_NO_LIMIT = 1 << 62


def number(path: str) -> int | None:
    """The file's one number; None for `max`, -1 or a file that is not there."""
    return procfs.number(text(path).strip())


def text(path: str) -> bytes:
    """Nothing when the group is gone or the kernel lacks the file."""
    try:
        return procfs.read(path)
    except OSError:
        return b""


def table(data: bytes) -> dict[str, int]:
    """Lines such as `nr_throttled 17`."""
    found = {}
    for line in data.splitlines():
        name, _, rest = line.partition(b" ")
        value = procfs.number(rest)
        if value is not None:
            found[name.decode("ascii", "replace")] = value
    return found


def cpu_v2(directory: str) -> Iterator[Reading]:
    """cpu.stat and cpu.max (cpu_max_show, kernel/sched/core.c: `quota period`, or `max period`)."""
    stat = table(text(f"{directory}/cpu.stat"))
    yield from _named(stat, CPU_V2, 1e-6)
    quota, _, period = text(f"{directory}/cpu.max").strip().partition(b" ")
    yield from _cores(procfs.number(quota), procfs.number(period))


def cpu_v1(directory: str) -> Iterator[Reading]:
    """cpu.stat (nanoseconds) and the quota's two files, where -1 is none."""
    yield from _named(table(text(f"{directory}/cpu.stat")), CPU_V1, 1e-9)
    yield from _cores(number(f"{directory}/cpu.cfs_quota_us"), number(f"{directory}/cpu.cfs_period_us"))


def _cores(quota: int | None, period: int | None) -> Iterator[Reading]:
    if quota is not None and period:
        yield "cgroup_cpu_limit_cores", "", quota / period


def cpuacct_v1(directory: str) -> Iterator[Reading]:
    usage = number(f"{directory}/cpuacct.usage")
    if usage is not None:
        yield "cgroup_cpu_usage_seconds_total", "", usage * 1e-9


def memory_v2(directory: str) -> Iterator[Reading]:
    for metric, file in MEMORY_V2_FILES.items():
        value = number(f"{directory}/{file}")
        if value is not None:
            yield metric, "", value
    for event, value in table(text(f"{directory}/memory.events")).items():
        if event in EVENTS:
            yield "cgroup_memory_events_total", event, value
    yield from _memory_stat(table(text(f"{directory}/memory.stat")), "")


def memory_v1(directory: str) -> Iterator[Reading]:
    """failcnt counts what memory.events calls `max`; `total_` is with the groups below."""
    for metric, file in MEMORY_V1_FILES.items():
        value = number(f"{directory}/{file}")
        if value is not None and value < _NO_LIMIT:
            yield metric, "", value
    failures = number(f"{directory}/memory.failcnt")
    if failures is not None:
        yield "cgroup_memory_events_total", "max", failures
    kills = table(text(f"{directory}/memory.oom_control")).get("oom_kill")
    if kills is not None:
        yield "cgroup_memory_events_total", "oom_kill", kills
    yield from _memory_stat(table(text(f"{directory}/memory.stat")), "total_")


def _memory_stat(stat: dict[str, int], prefix: str) -> Iterator[Reading]:
    for metric, fields in MEMORY_STAT.items():
        values = [stat[f"{prefix}{field}"] for field in fields if f"{prefix}{field}" in stat]
        if values:
            yield metric, "", sum(values)


def pids(directory: str) -> Iterator[Reading]:
    """The same in v1 and v2."""
    current, limit = number(f"{directory}/pids.current"), number(f"{directory}/pids.max")
    refused = table(text(f"{directory}/pids.events")).get("max")
    named = (
        ("cgroup_tasks", current),
        ("cgroup_tasks_limit", limit),
        ("cgroup_tasks_refused_total", refused),
    )
    for metric, value in named:
        if value is not None:
            yield metric, "", value


def io_v2(directory: str) -> Iterator[Reading]:
    """`8:0 rbytes=1 wbytes=2 rios=3 …` of each device, summed."""
    sums: dict[str, int] = {}
    for line in text(f"{directory}/io.stat").splitlines():
        for field in line.split()[1:]:
            name, _, value = field.partition(b"=")
            metric = IO_V2.get(name)
            if metric and (amount := procfs.number(value)) is not None:
                sums[metric] = sums.get(metric, 0) + amount
    for metric, total in sums.items():
        yield metric, "", total


def io_v1(directory: str) -> Iterator[Reading]:
    """`8:0 Read 1` of each device, summed."""
    sums: dict[str, int] = {}
    for line in text(f"{directory}/blkio.throttle.io_service_bytes_recursive").splitlines():
        fields = line.split()
        metric = IO_V1.get(fields[1]) if len(fields) == 3 else None
        if metric and (amount := procfs.number(fields[2])) is not None:
            sums[metric] = sums.get(metric, 0) + amount
    for metric, total in sums.items():
        yield metric, "", total


def pressure(directory: str) -> Iterator[Reading]:
    """cpu.pressure and its like, v2 only (microseconds)."""
    for resource in ("cpu", "io", "memory"):
        for line in text(f"{directory}/{resource}.pressure").splitlines():
            kind, _, rest = line.partition(b" ")
            total = procfs.number(rest.rpartition(b"total=")[2])
            if total is not None and kind in PRESSURE:
                yield PRESSURE[kind], resource, total * 1e-6


def _named(stat: dict[str, int], fields: dict[str, str], second: float) -> Iterator[Reading]:
    for field, metric in fields.items():
        if field in stat:
            yield metric, "", stat[field] * (second if "_seconds" in metric else 1)


CPU_V2 = {
    "usage_usec": "cgroup_cpu_usage_seconds_total",
    "nr_periods": "cgroup_cpu_periods_total",
    "nr_throttled": "cgroup_cpu_throttled_periods_total",
    "throttled_usec": "cgroup_cpu_throttled_seconds_total",
}
CPU_V1 = {
    "nr_periods": "cgroup_cpu_periods_total",
    "nr_throttled": "cgroup_cpu_throttled_periods_total",
    "throttled_time": "cgroup_cpu_throttled_seconds_total",
}
MEMORY_V2_FILES = {
    "cgroup_memory_usage_bytes": "memory.current",
    "cgroup_memory_limit_bytes": "memory.max",
    "cgroup_memory_high_bytes": "memory.high",
    "cgroup_memory_swap_bytes": "memory.swap.current",
}
MEMORY_V1_FILES = {
    "cgroup_memory_usage_bytes": "memory.usage_in_bytes",
    "cgroup_memory_limit_bytes": "memory.limit_in_bytes",
}
EVENTS = ("high", "max", "oom", "oom_kill")
MEMORY_STAT = {
    "cgroup_memory_anon_bytes": ("anon", "rss"),
    "cgroup_memory_file_bytes": ("file", "cache"),
    "cgroup_memory_refaults_total": (
        "workingset_refault",
        "workingset_refault_anon",
        "workingset_refault_file",
    ),
    "cgroup_memory_major_faults_total": ("pgmajfault",),
}
IO_V2 = {b"rbytes": "cgroup_io_read_bytes_total", b"wbytes": "cgroup_io_written_bytes_total"}
IO_V1 = {b"Read": "cgroup_io_read_bytes_total", b"Write": "cgroup_io_written_bytes_total"}
PRESSURE = {
    b"some": "cgroup_pressure_waiting_seconds_total",
    b"full": "cgroup_pressure_stalled_seconds_total",
}
