"""Established connections of each listener without any traffic, over time, and the files they take of a process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.correlate.samples import Samples, Series

READS = (
    "tcp_connections",
    "tcp_active_connections",
    "listener_accept_queue_length",
    "process_open_fds",
    "process_max_fds",
)


# s; two passes, and a late one: what was not told since is not there any more
_THERE_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class IdleConnections:
    """One listener. `idle` of the `established` had no traffic between the last two passes, when `before` were there
    already; `growing_seconds` is how long their number has risen from pass to pass until now, by `per_second`. Files
    are of the process that holds the listener."""

    listener: str
    netns: str
    service: str
    pid: int | None
    established: int
    before: int
    idle: int
    growing_seconds: float
    per_second: float
    open_files: int | None
    limit: int | None

    @property
    def idle_share(self) -> float:
        """Of those that were there before: one that has just come has said something."""
        return min(1.0, self.idle / self.before) if self.before else 0.0


@dataclass(frozen=True, slots=True)
class IdleByListener:
    """Listeners with established connections."""

    found: tuple[IdleConnections, ...]

    @classmethod
    def derive(cls, samples: Samples) -> IdleByListener | None:
        active = {_key(each): each for each in samples.of("tcp_active_connections")}
        states = [each for each in samples.of("tcp_connections") if each.labels.get("state") == "established"]
        if not samples.of("tcp_connections") and not active:
            return None
        pairs = ((each, active.get(_key(each))) for each in states if "listener" in each.labels)
        since_ns = samples.end_ns - int(_THERE_SECONDS * 1e9)
        found = (
            _of(each, moving, samples) for each, moving in pairs if moving and each.times_ns[-1] >= since_ns
        )
        return cls(tuple(found))


def _key(series: Series) -> tuple[str, str]:
    return series.labels.get("listener", ""), series.labels.get("netns", "")


def _of(established: Series, active: Series, samples: Samples) -> IdleConnections:
    listener, netns = _key(established)
    times, first, second = np.intersect1d(
        established.times_ns, active.times_ns, assume_unique=True, return_indices=True
    )
    idle = np.maximum(established.values[first] - active.values[second], 0)
    seconds, per_second = _growth(times, idle)
    service, pid = _owner(listener, netns, samples)
    files, limits = (samples.by_process(metric) for metric in ("process_open_fds", "process_max_fds"))
    return IdleConnections(
        listener=listener,
        netns=netns,
        service=service,
        pid=pid,
        established=int(established.last),
        before=int(established.values[first][-2]) if len(idle) > 1 else 0,
        idle=int(idle[-1]) if len(idle) else 0,
        growing_seconds=seconds,
        per_second=per_second,
        open_files=int(files[pid].last) if pid in files else None,
        limit=int(limits[pid].last) if pid in limits else None,
    )


def _growth(times_ns: NDArray[np.int64], idle: NDArray[np.float64]) -> tuple[float, float]:
    """Seconds of unbroken growth up to the last pass, and its slope."""
    if len(idle) < 2:
        return 0.0, 0.0
    falls = np.flatnonzero(np.diff(idle) <= 0)
    begin = int(falls[-1]) + 1 if len(falls) else 0
    seconds = float(times_ns[-1] - times_ns[begin]) / 1e9
    return seconds, float(idle[-1] - idle[begin]) / seconds if seconds > 0 else 0.0


def _owner(listener: str, netns: str, samples: Samples) -> tuple[str, int | None]:
    for each in samples.grouped("listener_accept_queue_length", "listener").get(listener, ()):
        if each.labels.get("netns", "") == netns and samples.is_present(each):
            pid = each.labels.get("pid", "")
            return each.labels.get("service", ""), int(pid) if pid else None
    return "", None
