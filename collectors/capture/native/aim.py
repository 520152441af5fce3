"""The processes that a capture is of, asked again and again: some are born while it runs, and some end."""

from __future__ import annotations

from collectors.capture import pythons
from collectors.capture.failures import CaptureError, explain
from collectors.capture.kind import Request
from collectors.kernel import procfs
from collectors.processes import identity, processtable, targets
from collectors.processes.identity import Process


def meant(request: Request) -> list[Process]:
    """A process with its descendants, or those of a service, cgroup or container. CaptureError when there are none."""
    found = _found(request)
    allowed = [process for process in found if not request.denies(process)]
    if allowed:
        return allowed
    if found:
        raise CaptureError(
            f"The owner of this host allows no captures of {found[0].service!r} "
            "(stacks.deny in the collector's settings)."
        )
    if request.target.pid is not None:
        raise CaptureError(explain(request.target.pid, "", request.proc))
    what = targets.in_words(request.target)
    raise CaptureError(f"No process of {what} runs on this host now. Is it stopped, or renamed?")


def still_meant(request: Request) -> list[Process]:
    """As `meant`; none is no error any more."""
    return [process for process in _found(request) if not request.denies(process)]


def _found(request: Request) -> list[Process]:
    pid, proc = request.target.pid, request.proc
    if pid is None:
        every = (identity.describe(stat, proc) for stat in processtable.processes(proc))
        return [process for process in every if targets.means(request.target, process, proc)]
    stat = procfs.stat(proc, pid)
    if stat is None or stat.state in "ZX":
        return []
    return [identity.describe(stat, proc), *pythons.descendants(pid, proc)]
