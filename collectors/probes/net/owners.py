"""Which process holds a socket. The answer needs a look at every descriptor of every process, so it is kept.

A scan runs only when a socket is unknown. A socket that is new belongs to a process that ran since the last scan, so
those are looked at first; all of them more seldom.
"""

# ruff: noqa: PTH115 - pathlib costs five times as much, and these run for every process
from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from collectors.kernel import procfs
from collectors.processes import identity, processtable

# Of one core, that scans may take: of those that ran; of all; of all where somebody asks for the first time, whose
# sockets may be old.
SCAN_SHARE, WHOLE_SCAN_SHARE, FIRST_SCAN_SHARE = 0.002, 0.001, 0.005
# Listeners are opened early and the lowest free descriptor is taken, so nobody's are far up.
DESCRIPTORS_LOOKED_AT = 512
_RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Owner:
    """The oldest process that holds the socket, and through which descriptor. No process: nobody we may look at."""

    process: identity.Process | None
    link: str


class Owners:
    """Owners by who asks and socket inode; `hidden_processes` could not be looked at.

    Who asks is named by a network namespace ('' is our own), and a blank and a word where that asks for several kinds.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, dict[int, Owner]] = {}
        self._wanted: dict[str, set[int]] = {}
        self._looked_at: dict[int, procfs.Stat] = {}
        self._next_scan = self._scanned_at = self._whole_seconds = 0.0
        self._asked_first = True
        self._retry_at: dict[str, float] = {}
        self.hidden_processes = 0

    def look_up(self, netns: str, inodes: set[int]) -> dict[int, Owner]:
        """Owners of all sockets that are asked for; one that is missing could not be looked for yet."""
        self._asked_first |= netns not in self._known
        known = self._known.setdefault(netns, {})
        self._forget(netns, known, inodes)
        self._wanted[netns] = inodes - known.keys()
        now = time.monotonic()
        share = FIRST_SCAN_SHARE if self._asked_first else WHOLE_SCAN_SHARE
        whole = now >= self._scanned_at + self._whole_seconds / share
        if self._wanted[netns] and (whole or now >= self._next_scan):
            began = time.thread_time()
            whole = self._scan(whole)
            seconds = time.thread_time() - began
            if whole:
                self._scanned_at, self._whole_seconds, self._asked_first = now, seconds, False
            else:
                self._next_scan = now + seconds / SCAN_SHARE
        return known

    def leave(self, netns: str) -> None:
        """The namespace is gone."""
        for kept in (self._known, self._wanted, self._retry_at):
            for name in [name for name in kept if name.partition(" ")[0] == netns]:
                del kept[name]

    def pids(self) -> set[int]:
        """Processes that hold a socket that was asked for: a listener, a full UDP socket, one in CLOSE_WAIT."""
        groups = list(self._known.values())
        return {owner.process.pid for known in groups for owner in list(known.values()) if owner.process}

    def _forget(self, netns: str, known: dict[int, Owner], present: set[int]) -> None:
        """Closed sockets, sockets that changed hands, and now and then those that nobody seemed to hold."""
        retry = time.monotonic() >= self._retry_at.get(netns, 0.0)
        if retry:
            self._retry_at[netns] = time.monotonic() + _RETRY_SECONDS
        for inode, owner in list(known.items()):
            if inode not in present or (not _holds(owner, inode) if owner.process else retry):
                del known[inode]

    def _scan(self, whole: bool) -> bool:
        """One look answers for every namespace that asked since the last. Whether it was at all processes."""
        processes = processtable.processes(self._root)
        chosen = [stat for stat in processes if whole or self._looked_at.get(stat.pid) is not stat]
        self._looked_at = {stat.pid: stat for stat in processes}
        whole = len(chosen) == len(processes)
        oldest, hidden = self._oldest(chosen, set().union(*self._wanted.values()))
        if whole:
            self.hidden_processes = hidden
        for netns, wanted in self._wanted.items():
            for inode in wanted if whole else wanted & oldest.keys():
                process, link = oldest.get(inode, (None, ""))
                described = identity.describe(process, self._root) if process else None
                self._known.setdefault(netns, {})[inode] = Owner(described, link)
        return whole

    def _hides(self, pid: int) -> bool:
        """Has descriptors that this user may not look at. PID 1 may refuse even root, so it is not counted."""
        return pid != 1 and procfs.open_fds(self._root, pid) != 0

    def _oldest(
        self, processes: list[procfs.Stat], wanted: set[int]
    ) -> tuple[dict[int, tuple[procfs.Stat | None, str]], int]:
        """Process and link of each socket, and how many processes could not be looked at."""
        targets = {f"socket:[{inode}]": inode for inode in wanted}
        oldest: dict[int, tuple[procfs.Stat | None, str]] = {}
        starts: dict[int, int] = {}
        hidden = 0
        for process in processes:
            links = procfs.fd_links(self._root, process.pid, DESCRIPTORS_LOOKED_AT)
            hidden += not links and self._hides(process.pid)
            for name, target in links:
                inode = targets.get(target)
                if inode is not None and process.start_ticks < starts.get(inode, process.start_ticks + 1):
                    starts[inode] = process.start_ticks
                    oldest[inode] = process, f"{self._root}/{process.pid}/fd/{name}"
        return oldest, hidden


def _holds(owner: Owner, inode: int) -> bool:
    try:
        return os.readlink(owner.link) == f"socket:[{inode}]"
    except OSError:
        return False


@cache
def of(root: Path) -> Owners:
    """One for all probes of an agent, so that the process probe need not scan again."""
    return Owners(root)
