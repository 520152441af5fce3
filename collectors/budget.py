"""What the agent costs its host, and the slowdown that keeps it within its owner's budget."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors import spent
from collectors.delivery.spool import SpoolState
from collectors.probe import Cost, Host, Metric
from collectors.wire import Points, Sample

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Starting up costs about half a second once, which says nothing about the rate.
GRACE_SECONDS = 20.0
MAX_SLOWDOWN = 8.0
# A suspended probe rests so long at least: waking it and putting it down again would cost more than it tells.
REST_SECONDS = 60.0
_SLOWER, _FASTER = 1.5, 0.8
# Speed up again only well below the budget, or the rate would swing.
_COMFORTABLE = 0.6
# Weight of the newest interval in the running mean: about a minute of memory at one reading in ten seconds.
_NEWEST = 0.25


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since the start and bytes now: the agent itself, and its samplers (py-spy, and threads of ours)."""

    agent_cpu_seconds: float
    stacks_cpu_seconds: float
    agent_rss_bytes: int
    stacks_rss_bytes: int


def measure() -> Usage:
    """Of this process; a child's CPU counts when it has ended."""
    times, samplers = os.times(), spent.seconds()
    return Usage(
        agent_cpu_seconds=time.process_time() - samplers,
        stacks_cpu_seconds=times.children_user + times.children_system + samplers,
        agent_rss_bytes=_rss_bytes("self"),
        stacks_rss_bytes=sum(_rss_bytes(pid) for pid in _children()),
    )


def _children() -> list[str]:
    found: list[str] = []
    for path in Path("/proc/self/task").glob("*/children"):
        try:
            found += path.read_text().split()
        except OSError:  # the thread ended meanwhile
            continue
    return found


def _rss_bytes(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


class Budget:
    """A running mean of the agent's CPU share, and what it gives up while it costs too much, in this order:

    1. `slowdown`, the factor by which all intervals grow, up to MAX_SLOWDOWN;
    2. `suspended`, how many probes rest: the dearest by measurement, one more each time it looks.

    It recovers in the opposite order. The samplers keep to a share of their own, by their rates.
    """

    def __init__(self, cpu_percent: float, memory_bytes: int, now: float) -> None:
        self._most_share = cpu_percent / 100
        self._most_bytes = memory_bytes
        self._started = now
        self._last: tuple[float, float] | None = None
        self.cpu_share: float | None = None
        self.slowdown = 1.0
        self.suspended = 0
        self._suspended_at = 0.0

    def observe(self, usage: Usage, now: float) -> float:
        """Take a reading and return the slowdown, 1.0 to MAX_SLOWDOWN."""
        if now - self._started < GRACE_SECONDS:
            return self.slowdown
        if self._last is not None:
            before, cpu_before = self._last
            share = (usage.agent_cpu_seconds - cpu_before) / max(now - before, 0.001)
            mean = share if self.cpu_share is None else self.cpu_share
            self.cpu_share = mean + _NEWEST * (share - mean)
            self._adjust(self.cpu_share, usage.agent_rss_bytes, now)
        self._last = (now, usage.agent_cpu_seconds)
        return self.slowdown

    def _adjust(self, share: float, rss_bytes: int, now: float) -> None:
        above = share > self._most_share or rss_bytes > self._most_bytes
        comfortable = not above and share < self._most_share * _COMFORTABLE
        if above and self.slowdown < MAX_SLOWDOWN:
            self.slowdown = min(self.slowdown * _SLOWER, MAX_SLOWDOWN)
        elif above:
            self.suspended, self._suspended_at = self.suspended + 1, now
        elif comfortable and self.suspended:
            if now - self._suspended_at >= REST_SECONDS:
                self.suspended, self._suspended_at = self.suspended - 1, now
        elif comfortable:
            self.slowdown = max(self.slowdown * _FASTER, 1.0)


class Overhead:
    """The agent's own cost, as a probe like the others."""

    NAME = "collector"
    METRICS: tuple[Metric, ...] = (
        Metric("collector_cpu_seconds_total", "s", "CPU time of the collector.", ("part",), counter=True),
        Metric("collector_resident_memory_bytes", "B", "Resident memory of the collector.", ("part",)),
        Metric("collector_spool_batches", "", "Batches that the server has not committed yet."),
        Metric("collector_spool_bytes", "B", "Disk that these batches take."),
        Metric(
            "collector_slowdown_ratio", "", "Factor by which intervals are stretched to stay in the budget."
        ),
        Metric("collector_suspended_probes", "", "Probes that rest for the collector to stay in its budget."),
    )
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 10.0

    def __init__(self, spool: Callable[[], SpoolState], budget: Budget) -> None:
        self._spool = spool
        self._budget = budget
        self._last: Usage | None = None

    def collect(self, host: Host) -> Iterator[Sample]:
        usage, last = measure(), self._last
        self._last = usage
        if last is not None:
            spent = {
                "agent": usage.agent_cpu_seconds - last.agent_cpu_seconds,
                "stacks": usage.stacks_cpu_seconds - last.stacks_cpu_seconds,
            }
            for part, seconds in spent.items():
                labels = {"part": part}
                yield Points("collector_cpu_seconds_total", labels, [host.now_ns], [seconds], counter=True)
        resident = {"agent": usage.agent_rss_bytes, "stacks": usage.stacks_rss_bytes}
        for part, size in resident.items():
            yield Points("collector_resident_memory_bytes", {"part": part}, [host.now_ns], [float(size)])
        spool = self._spool()
        yield Points("collector_spool_batches", {}, [host.now_ns], [float(spool.batches)])
        yield Points("collector_spool_bytes", {}, [host.now_ns], [float(spool.bytes)])
        yield Points("collector_slowdown_ratio", {}, [host.now_ns], [self._budget.slowdown])
        suspended = float(self._budget.suspended)
        yield Points("collector_suspended_probes", {}, [host.now_ns], [suspended])
