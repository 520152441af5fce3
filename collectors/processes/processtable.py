"""Every process that runs user code, read again and again by several probes. Most sleep, and cost a third of a reading.

/proc/PID/schedstat counts the nanoseconds that the main thread has run. It is held open for processes of one thread:
while it says the same as before, nothing of the process changed but what others did to it (memory was reclaimed).
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from collectors.kernel import procfs
from collectors.kernel.procfs import Stat

# A descriptor takes 5 KiB of kernel memory.
MOST_HELD = 512
# Kernel threads stay what they are, and memory is seldom reclaimed: those are read again in one pass of so many.
RENEW_PASSES = 16
_SCHEDSTAT_BYTES = 64
# What the last pass found counts for so long; later the number may be another process's.
FRESH_SECONDS = 15.0


@dataclass(slots=True)
class _Known:
    """The line that was read last and what it says; `descriptor` is -1 or that of schedstat, which said `ran`."""

    line: bytes = b""
    stat: Stat | None = None
    descriptor: int = -1
    ran: bytes = b""

    def slept(self) -> bool:
        """ProcessLookupError when it is gone, even where another process has its number now."""
        ran = os.pread(self.descriptor, _SCHEDSTAT_BYTES, 0)
        before, self.ran = self.ran, ran
        return ran == before

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class ProcessTable:
    """The processes below one /proc. A `Stat` that is the same object as before is of a process that did not run."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._known: dict[int, _Known] = {}
        self._lock = threading.Lock()  # stacks are sampled on another thread
        self._passes = self._held = 0
        self._read_at = -FRESH_SECONDS

    def read(self) -> list[Stat]:
        """Kernel threads and zombies are left out. NoData when /proc cannot be listed."""
        with self._lock:
            self._passes += 1
            before, self._known = self._known, {}
            found = []
            for pid in procfs.pids(Path(self._root)):
                known = self._known[pid] = self._look(pid, before.pop(pid, _Known()))
                stat = known.stat
                if stat is not None and not stat.kernel and stat.state not in "ZX":
                    found.append(stat)
            for gone in before.values():
                self._let_go(gone)
            self._read_at = time.monotonic()
            return found

    def find(self, pid: int) -> Stat | None:
        """One process, as a pass found it lately or as it is now, a kernel thread too. None when it is gone."""
        known = self._known.get(pid) if time.monotonic() - self._read_at < FRESH_SECONDS else None
        return (known.stat if known else None) or procfs.stat(self._root, pid)

    def named(self, prefix: str) -> list[Stat]:
        """Those of the last pass whose name begins so, kernel threads too."""
        known = list(self._known.values())
        return [each.stat for each in known if each.stat is not None and each.stat.name.startswith(prefix)]

    def _look(self, pid: int, known: _Known) -> _Known:
        renew = known.stat is None or (self._passes + pid) % RENEW_PASSES == 0
        if known.descriptor >= 0:
            try:
                if known.slept() and not renew:
                    return known
            except OSError:
                self._let_go(known)
        elif known.stat is not None and known.stat.kernel and not renew:
            return known
        self._renew(pid, known)
        return known

    def _renew(self, pid: int, known: _Known) -> None:
        try:
            line = procfs.read_record(f"{self._root}/{pid}/stat")
        except OSError:
            known.line, known.stat = b"", None
            return
        asleep = line == known.line
        known.line, known.stat = line, procfs.parse_stat(pid, line)
        if asleep and known.descriptor < 0 and known.stat and known.stat.threads == 1:
            self._hold(pid, known)
        elif known.stat is None or known.stat.threads != 1:
            self._let_go(known)

    def _hold(self, pid: int, known: _Known) -> None:
        """What it ran so far is read before the line of the next pass, so that nothing is missed between the two."""
        if self._held >= MOST_HELD or known.stat is None or known.stat.kernel:
            return
        try:
            known.descriptor = os.open(f"{self._root}/{pid}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # another user's, or no descriptor is left
            return
        self._held += 1
        if known.slept() or known.ran.startswith(b"0 "):  # a kernel without CONFIG_SCHED_INFO
            self._let_go(known)
        known.ran = b""

    def _let_go(self, known: _Known) -> None:
        self._held -= known.descriptor >= 0
        known.close()


@cache
def of(root: Path) -> ProcessTable:
    """One for all probes of an agent."""
    return ProcessTable(root)


def processes(root: Path) -> list[Stat]:
    """Every process that runs user code, now."""
    return of(root).read()
