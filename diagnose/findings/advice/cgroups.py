"""Limits of control groups that no systemd unit stands for, in the files of v2 and v1."""

from __future__ import annotations

import shlex

from diagnose.correlate.change import CpuQuota, MemoryLimit, TaskLimit

_ROOT = "/sys/fs/cgroup"
# µs; the kernel's default (kernel/sched/fair.c: default_cfs_period)
PERIOD_US = 100_000


def commands(change: CpuQuota | TaskLimit | MemoryLimit) -> str:
    """Writes to whichever of the two files there is."""
    return "\n".join(
        f"test -e {path} && echo {shlex.quote(value)} > {path}" for path, value in _files(change) if value
    )


def reading(change: CpuQuota | TaskLimit | MemoryLimit) -> str:
    """Reads whichever there is."""
    return f"cat {' '.join(path for path, _ in _files(change))} 2>/dev/null"


def _files(change: CpuQuota | TaskLimit | MemoryLimit) -> list[tuple[str, str]]:
    """v2 first, then v1."""
    group = change.cgroup.strip("/")
    match change:
        case CpuQuota(_, _, _, cores):
            quota = round(cores * PERIOD_US)
            return [
                (_path("", group, "cpu.max"), f"{quota} {PERIOD_US}"),
                (_path("cpu", group, "cpu.cfs_quota_us"), str(quota)),
            ]
        case TaskLimit(_, _, _, tasks):
            return [
                (_path("", group, "pids.max"), str(tasks)),
                (_path("pids", group, "pids.max"), str(tasks)),
            ]
        case MemoryLimit(_, _, _, size):
            return [
                (_path("", group, "memory.max"), str(size)),
                (_path("memory", group, "memory.limit_in_bytes"), str(size)),
            ]


def _path(controller: str, group: str, file: str) -> str:
    return shlex.quote("/".join(part for part in (_ROOT, controller, group, file) if part))
