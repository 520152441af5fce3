"""A control group for the samplers, so that the kernel itself holds them to their budget.

It lies below the collector's own group, in each hierarchy that has the controller (v2, v1 or hybrid), and is removed
when the collector ends. Where it cannot be made, that is said, and the budget is kept by measuring alone.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from collectors.kernel import cgroups, procfs
from collectors.processes import workload

_LOG = logging.getLogger("diagnose.stacks")
_NAME = "diagnose-stacks-"
_PERIOD_MICROSECONDS = 1_000_000
# py-spy reads the symbols of its target first: in one second it may take four times what it may on average.
_BURST = 4.0


class Confinement:
    """`reason` says why there is no group, '' when there is one."""

    def __init__(self, cpu_share: float, memory_bytes: int, proc: Path, sys: Path) -> None:
        self.reason = ""
        self._folders: list[Path] = []
        try:
            for controller, parent in _parents(proc, sys).items():
                self._make(controller, parent, cpu_share, memory_bytes)
        except OSError as error:
            self.remove()
            self.reason = f"no control group of its own ({error.strerror}: {error.filename})"
        if not self._folders and not self.reason:
            self.reason = "no control group of its own (no hierarchy with cpu and memory is mounted here)"

    def admit(self, pid: int) -> None:
        """Move a process into the group. One that ended meanwhile has nothing to move."""
        for folder in self._folders:
            try:
                (folder / "cgroup.procs").write_text(str(pid))
            except ProcessLookupError:
                return
            except OSError as error:
                _LOG.warning("cannot move a sampler into %s: %s", folder, error.strerror)

    def remove(self) -> None:
        """When all that was in it has ended."""
        for folder in self._folders:
            _remove(folder)
        self._folders = []

    def _make(self, controller: str, parent: Path, cpu_share: float, memory_bytes: int) -> None:
        _remove_left_behind(parent)
        folder = parent / f"{_NAME}{os.getpid()}"
        if not folder.exists():
            folder.mkdir()
            self._folders.append(folder)
        quota = round(_PERIOD_MICROSECONDS * cpu_share * _BURST)
        for name, value in _limits(folder, controller, quota, memory_bytes):
            (folder / name).write_text(value)


def _parents(proc: Path, sys: Path) -> dict[str, Path]:
    """The collector's own group by controller. OSError when the unified one hands no controllers down."""
    own = workload.parse_cgroup(procfs.read(f"{proc}/self/cgroup"))
    v1 = {name: path for names, path in own.items() for name in names.split(",")}
    found = {}
    for controller in ("cpu", "memory"):
        hierarchy = controller if controller in v1 else cgroups.UNIFIED
        mounted = cgroups.mount(sys, hierarchy)
        if mounted is None or hierarchy not in v1:
            continue
        parent = Path(f"{mounted}{v1[hierarchy]}")
        if hierarchy == cgroups.UNIFIED:
            if controller not in (parent / "cgroup.controllers").read_text().split():
                continue
            (parent / "cgroup.subtree_control").write_text(f"+{controller}")
        found[controller] = parent
    return found


def _limits(folder: Path, controller: str, quota: int, memory_bytes: int) -> Iterator[tuple[str, str]]:
    if controller == "cpu" and (folder / "cpu.max").exists():
        yield "cpu.max", f"{quota} {_PERIOD_MICROSECONDS}"
    elif controller == "cpu":
        yield "cpu.cfs_period_us", str(_PERIOD_MICROSECONDS)
        yield "cpu.cfs_quota_us", str(quota)
    elif (folder / "memory.max").exists():
        yield "memory.max", str(memory_bytes)
    else:
        yield "memory.limit_in_bytes", str(memory_bytes)


def _remove_left_behind(parent: Path) -> None:
    """Of collectors that were killed."""
    for folder in parent.glob(f"{_NAME}*"):
        if not Path(f"/proc/{folder.name.removeprefix(_NAME)}").exists():
            _remove(folder)


def _remove(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError as error:
        _LOG.warning("cannot remove %s: %s", folder, error.strerror)
