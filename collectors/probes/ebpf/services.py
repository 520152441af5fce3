"""The service of a process that a program saw."""

from __future__ import annotations

from pathlib import Path

from collectors.processes import identity, processtable
from collectors.processes.identity import Process

# A process that was gone before anybody could look at it, and the kernel's own threads.
ENDED, KERNEL = "ended", "kernel"


def process_of(proc: Path, pid: int) -> Process | None:
    """None when there is no such process any more, and for the kernel's threads."""
    found = processtable.of(proc).find(pid) if pid else None
    return identity.describe(found, proc) if found and not found.kernel else None


def service_of(proc: Path, pid: int) -> str:
    """ENDED when there is no such process any more; 0 stands for the kernel's threads."""
    found = processtable.of(proc).find(pid) if pid else None
    if pid and found is None:
        return ENDED
    return identity.describe(found, proc).service if found and not found.kernel else KERNEL
