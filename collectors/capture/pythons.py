"""The Python processes that a command means, each found and asked for by itself: so what is denied stays denied."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from collectors.capture.failures import CaptureError, explain
from collectors.capture.kind import Request
from collectors.kernel import procfs
from collectors.processes import identity, targets
from collectors.processes.identity import Process

# Each has a py-spy of its own while it is sampled.
MOST_AT_ONCE = 8
_WATCH_SECONDS = 0.2


def meant(request: Request) -> list[Process]:
    """The process of that pid with its Python descendants, or those of a service, cgroup or container.

    Of many the busiest. CaptureError when there is none, or none that may be captured.
    """
    pid = request.target.pid
    found = _of_all(request) if pid is None else _family(pid, request)
    allowed = [process for process in found if not request.denies(process)]
    if not allowed:
        raise CaptureError(
            f"The owner of this host allows no captures of {found[0].service!r} "
            "(stacks.deny in the collector's settings)."
        )
    return allowed if len(allowed) <= MOST_AT_ONCE else _busiest(allowed, request.proc)


def _of_all(request: Request) -> list[Process]:
    target, proc = request.target, request.proc
    found = [each for each in identity.python_processes(proc) if targets.means(target, each, proc)]
    if not found:
        what = targets.in_words(target)
        raise CaptureError(f"No Python process of {what} runs on this host now. Is it stopped, or renamed?")
    return found


def _family(pid: int, request: Request) -> list[Process]:
    """The process stands alone when no other says Python of itself: py-spy knows best why it cannot be sampled."""
    stat = procfs.stat(request.proc, pid)
    if stat is None:
        raise CaptureError(explain(pid, "", request.proc))
    own = identity.describe(stat, request.proc)
    if request.denies(own):
        return [own]
    family = [own, *descendants(pid, request.proc)]
    return [process for process in family if process.runtime.startswith("python")] or [own]


def descendants(pid: int, proc: Path) -> Iterator[Process]:
    for child in _children(pid, proc):
        stat = procfs.stat(proc, child)
        if stat is not None:
            yield identity.describe(stat, proc)
            yield from descendants(child, proc)


def _children(pid: int, proc: Path) -> Iterator[int]:
    for task in (proc / str(pid) / "task").glob("*/children"):
        try:
            yield from map(int, task.read_text().split())
        except OSError:  # ended meanwhile
            continue


def _busiest(processes: list[Process], proc: Path) -> list[Process]:
    """By CPU over a moment; among idle ones the largest in memory, which is rarely the supervisor."""
    before = {process.pid: procfs.stat(proc, process.pid) for process in processes}
    time.sleep(_WATCH_SECONDS)

    def used(process: Process) -> tuple[float, int]:
        first, last = before[process.pid], procfs.stat(proc, process.pid)
        if first is None or last is None:
            return (-1.0, 0)
        return (last.cpu_seconds - first.cpu_seconds, last.resident_bytes)

    return sorted(processes, key=used, reverse=True)[:MOST_AT_ONCE]
