"""Control groups of the host's processes: which there are by controller, whose they are, and where their files lie.

v2 has one tree, v1 one for each controller, and a hybrid host both: a controller is where /proc/PID/cgroup says it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel import procfs
from collectors.processes import identity, workload

UNIFIED = ""
# A process seldom changes its group: each one's is read again in one pass of so many, which also tells reused ids.
REREAD_PASSES = 12


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
