"""Control groups of the host's processes: which there are by controller, whose they are, and where their files lie.

v2 has one tree, v1 one for each controller, and a hybrid host both: a controller is where /proc/PID/cgroup says it is.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel import procfs
from collectors.processes import identity, workload

UNIFIED = ""
# A process seldom changes its group: each one's is read again in one pass of so many, which also tells reused ids.
REREAD_PASSES = 12
MOST_DIRECTORIES = 4096
_WALK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Group:
    """`directory` has the group's files; `service` is that of its first process, '' for a group of groups."""

    path: str
    service: str
    directory: str


class Tree:
    """The groups of all processes, kept between passes."""

    def __init__(self) -> None:
        self._paths: dict[int, dict[str, str]] = {}
        self._passes = 0

    def read(self, root: Path) -> dict[int, dict[str, str]]:
        """Paths by controller of every process."""
        self._passes += 1
        found = {}
        for pid in sorted(procfs.pids(root)):
            paths = self._paths.get(pid)
            if paths is None or (self._passes + pid) % REREAD_PASSES == 0:
                paths = _paths(root, pid)
            found[pid] = paths
        self._paths = found
        return found


def _paths(root: Path, pid: int) -> dict[str, str]:
    try:
        text = procfs.read(f"{root}/{pid}/cgroup")
    except OSError:
        return {}
    return {
        name: path
        for controllers, path in workload.parse_cgroup(text).items()
        for name in controllers.split(",")
        if "/.." not in path  # outside of what this namespace shows
    }


def mount(sys: Path, controller: str) -> str | None:
    """Where the controller's tree is mounted: the unified tree's root, or one of v1."""
    base = f"{sys}/fs/cgroup"
    if controller == UNIFIED:
        for path in (base, f"{base}/unified"):
            if _exists(f"{path}/cgroup.procs") and _exists(f"{path}/cgroup.subtree_control"):
                return path
        return None
    return f"{base}/{controller}" if procfs.is_directory(f"{base}/{controller}") else None


def _exists(path: str) -> bool:
    return Path(path).exists()


def groups(members: dict[int, dict[str, str]], controller: str, mounted: str, root: Path) -> Iterator[Group]:
    """Groups with processes, then the groups these lie in; the root has no limits and is left out."""
    firsts: dict[str, int] = {}
    for pid, paths in members.items():
        if paths.get(controller, "/") != "/":
            firsts.setdefault(paths[controller], pid)
    for path, pid in firsts.items():
        yield Group(path, identity.service_of(pid, root), f"{mounted}{path}")
    above = {parent for path in firsts for parent in _parents(path)} - firsts.keys()
    for path in sorted(above):
        yield Group(path, "", f"{mounted}{path}")


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


class Ids:
    """Paths in the tree of v2 by id, which is the inode of the group's directory (since Linux 5.5 on all machines)."""

    def __init__(self) -> None:
        self._paths: dict[int, str] = {}
        self._next_walk = 0.0

    def path(self, sys: Path, number: int) -> str:
        """'' for the root, a group that is gone or one that this mount does not show; the tree is walked seldom."""
        if number not in self._paths and time.monotonic() >= self._next_walk:
            self._next_walk = time.monotonic() + _WALK_SECONDS
            mounted = mount(sys, UNIFIED)
            self._paths = dict(_directories(mounted)) if mounted else {}
        return self._paths.get(number, "")


def _directories(mounted: str) -> Iterator[tuple[int, str]]:
    """Inode and path of each group, those near the root first."""
    waiting = deque([mounted])
    for _ in range(MOST_DIRECTORIES):
        if not waiting:
            return
        directory = waiting.popleft()
        try:
            with os.scandir(directory) as entries:
                waiting += sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
            yield os.stat(directory).st_ino, directory.removeprefix(mounted)  # noqa: PTH116 - hundreds of them
        except OSError:  # it was removed meanwhile
            continue
