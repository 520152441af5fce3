"""Which Python processes are worth looking at: those that use CPU first, and those that serve others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel import procfs, sockdiag
from collectors.probe import NoData
from collectors.processes import identity, processtable

PROC = Path("/proc")
# A listener counts as much as this share of a core: a stalled acceptor uses none, and a service matters more than
# its client on the same host.
LISTENER_SHARE = 0.5
_LISTENERS_SECONDS = 30.0
# Listeners are opened early and the lowest free descriptor is taken, so nobody's are far up.
_DESCRIPTORS_LOOKED_AT = 512

Denies = Callable[[identity.Process], bool]


@dataclass(frozen=True, slots=True)
class Candidate:
    """`cpu_share` of one core since the look before."""

    process: identity.Process
    cpu_share: float
    listens: bool
    threads: int = 1

    @property
    def weight(self) -> float:
        return self.cpu_share + (LISTENER_SHARE if self.listens else 0.0)


class Watch:
    """Python processes of this host but this one, best first. Keeps the last CPU reading of each."""

    def __init__(self, denies: Denies, proc: Path = PROC) -> None:
        self._denies, self._proc = denies, proc
        self._cpu: dict[tuple[int, int], float] = {}
        self._at = time.monotonic()
        self._listening: set[int] = set()
        self._listeners_at = -_LISTENERS_SECONDS

    def look(self) -> list[Candidate]:
        """NoData when /proc cannot be listed."""
        now = time.monotonic()
        seconds, before, self._cpu, self._at = max(now - self._at, 1e-3), self._cpu, {}, now
        found = []
        for stat in processtable.processes(self._proc):
            process = identity.describe(stat, self._proc)
            if not process.runtime.startswith("python") or stat.pid == os.getpid() or self._denies(process):
                continue
            key = stat.pid, stat.start_ticks
            self._cpu[key] = stat.cpu_seconds
            share = (stat.cpu_seconds - before.get(key, stat.cpu_seconds)) / seconds
            found.append((process, share, stat.threads))
        self._find_listeners([process.pid for process, _, _ in found], now)
        candidates = [
            Candidate(process, share, process.pid in self._listening, threads)
            for process, share, threads in found
        ]
        return sorted(candidates, key=lambda candidate: candidate.weight, reverse=True)

    def _find_listeners(self, pids: Iterable[int], now: float) -> None:
        if now - self._listeners_at >= _LISTENERS_SECONDS:
            self._listeners_at = now
            self._listening = listening(pids, self._proc)


def listening(pids: Iterable[int], proc: Path = PROC) -> set[int]:
    """Those of `pids` that hold a TCP listener of this network namespace; unlike the listeners' probe, which
    names the oldest holder, the workers that share a socket count too."""
    try:
        diag = sockdiag.SockDiag()
    except NoData:
        return set()
    try:
        sockets = {f"socket:[{listener.inode}]" for listener in diag.listeners()}
    except NoData:
        return set()
    finally:
        diag.close()
    return {
        pid
        for pid in pids
        if any(target in sockets for _, target in procfs.fd_links(proc, pid, _DESCRIPTORS_LOOKED_AT))
    }
