"""The processes that matter: CPU, memory, threads, descriptors and context switches of each, with its service.

Every process's /proc/PID/stat is read and its descriptors are counted; more only of those that are told: the busiest,
the largest, those with the most threads or nearest to their descriptor limit, and all that listen or run Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest
from pathlib import Path

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.probes.net import owners
from collectors.processes import identity, processtable, watched
from collectors.readings import Increases, count, gauge
from collectors.wire import Sample

MOST_BY_CPU = 20
MOST_BY_FDS = 20
MOST_BY_MEMORY = MOST_BY_THREADS = 10
MOST_IN_ALL = 250
MOST_THREADS = 256
# A limit changes seldom (prlimit on a running process): each process's is read again in one pass of so many.
LIMIT_PASSES = 12

_LABELS = ("pid", "service")
METRICS = (
    Metric("process_cpu_seconds_total", "s", "CPU time, user and system, of all threads.", _LABELS, True),
    Metric("process_resident_memory_bytes", "B", "Memory that is in RAM.", _LABELS),
    Metric("process_threads", "", "Threads.", _LABELS),
    Metric("process_open_fds", "", "Open file descriptors.", _LABELS),
    Metric("process_max_fds", "", "Soft limit of open file descriptors.", _LABELS),
    Metric(
        "process_context_switches_total",
        "",
        "Switches of live threads, of processes that used CPU: voluntary = waited, involuntary = lost the CPU.",
        (*_LABELS, "type"),
        True,
    ),
    Metric(
        "process_info", "", "Always 1; the labels tell who the process is.", (*_LABELS, "name", "runtime")
    ),
)
SWITCHES = {b"voluntary_ctxt_switches:": "voluntary", b"nonvoluntary_ctxt_switches:": "involuntary"}


@dataclass(slots=True)
class _Row(watched.Open):
    cpu_seconds: float | None
    python: bool | None = None

    @property
    def fd_share(self) -> float:
        return self.fds / self.limit if self.fds and self.limit else 0.0


def parse_switches(text: bytes) -> dict[str, int]:
    """Context switches by type, of /proc/PID/task/TID/status."""
    found = {}
    for line in text.splitlines()[-2:]:  # the last two lines since Linux 2.6.23
        fields = line.split()
        value = procfs.number(fields[1]) if len(fields) == 2 else None
        if value is not None and fields[0] in SWITCHES:
            found[SWITCHES[fields[0]]] = value
    return found


class Processes:
    """The process table, bounded."""

    NAME = "processes"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 5.0
    METRICS: tuple[Metric, ...] = METRICS

    def __init__(self) -> None:
        self._switches: Increases[tuple[int, int, str]] = Increases()
        self._open: dict[int, _Row] = {}
        self._passes = 0

    def collect(self, host: Host) -> Iterator[Sample]:
        """The busiest first."""
        rows = self._rows(host.proc)
        watched.of(host.proc).descriptors = rows
        told = self._choose(host.proc, rows)
        watched.of(host.proc).processes = self._watched(host.proc, told)
        switches = self._switches_of(host.proc, told)
        for row in told:
            yield from _samples(host, row, switches)

    def _watched(self, root: Path, told: list[_Row]) -> list[identity.Process]:
        """Who is worth a closer look: all that serve, that computed lately, or that run a language's runtime."""
        listening = owners.of(root).pids()
        described = [(row, identity.describe(row.stat, root)) for row in told]
        return [
            process
            for row, process in described
            if row.cpu_seconds or process.pid in listening or process.runtime != "native"
        ]

    def _rows(self, root: Path) -> list[_Row]:
        self._passes += 1
        rows = [self._row(root, stat) for stat in processtable.processes(root)]
        self._open = {row.stat.pid: row for row in rows}
        return rows

    def _row(self, root: Path, stat: procfs.Stat) -> _Row:
        """That of the last pass, for a process that slept since."""
        before = self._open.get(stat.pid)
        if before is None or before.stat.start_ticks != stat.start_ticks:
            return _Row(stat, procfs.open_fds(root, stat.pid), procfs.fd_limit(root, stat.pid), None)
        if (self._passes + stat.pid) % LIMIT_PASSES == 0:
            before.limit = procfs.fd_limit(root, stat.pid)
        if before.stat is stat:
            before.cpu_seconds = 0.0
            return before
        spent = max(0.0, stat.cpu_seconds - before.stat.cpu_seconds)
        return _Row(stat, procfs.open_fds(root, stat.pid), before.limit, spent)

    def _choose(self, root: Path, rows: list[_Row]) -> list[_Row]:
        listening = owners.of(root).pids()
        busiest = sorted(rows, key=lambda row: row.cpu_seconds or 0.0, reverse=True)
        fullest = nlargest(MOST_BY_FDS, rows, key=lambda row: row.fd_share)
        largest = nlargest(MOST_BY_MEMORY, rows, key=lambda row: row.stat.resident_bytes)
        widest = nlargest(MOST_BY_THREADS, rows, key=lambda row: row.stat.threads)
        others = (row for row in busiest if row.stat.pid in listening or _is_python(row, root))
        chosen: dict[int, _Row] = {}
        for row in (*busiest[:MOST_BY_CPU], *fullest, *largest, *widest, *others):
            if len(chosen) == MOST_IN_ALL:
                break
            chosen[row.stat.pid] = row
        return list(chosen.values())

    def _switches_of(self, root: Path, rows: list[_Row]) -> dict[tuple[int, str], float]:
        """Increases by pid and type. Per thread, since the counts of a thread that ends are gone with it.

        A thread's file takes the kernel 10 µs, so only those are read that ran since the last pass, of as many
        processes as the bound allows.
        """
        readings: dict[tuple[int, int, str], float] = {}
        budget = MOST_THREADS
        for row in sorted(rows, key=lambda row: row.stat.threads):
            if row.cpu_seconds == 0 or row.stat.threads > budget:
                continue
            budget -= row.stat.threads
            readings |= _thread_switches(root, row.stat.pid)
        sums: dict[tuple[int, str], float] = {}
        for (pid, _, kind), increase in self._switches.since_last(readings).items():
            sums[pid, kind] = sums.get((pid, kind), 0.0) + increase
        return sums


def _is_python(row: _Row, root: Path) -> bool:
    if row.python is None:
        row.python = identity.describe(row.stat, root).runtime.startswith("python")
    return row.python


def _thread_switches(root: Path, pid: int) -> dict[tuple[int, int, str], float]:
    readings: dict[tuple[int, int, str], float] = {}
    try:
        for tid in procfs.pids(f"{root}/{pid}/task"):
            for kind, value in parse_switches(procfs.read(f"{root}/{pid}/task/{tid}/status")).items():
                readings[pid, tid, kind] = value
    except (OSError, NoData):  # the thread or the process ended while it was looked at
        pass
    return readings


def _samples(host: Host, row: _Row, switches: dict[tuple[int, str], float]) -> Iterator[Sample]:
    now_ns, stat = host.now_ns, row.stat
    process = identity.describe(stat, host.proc)
    labels = {"pid": str(stat.pid), "service": process.service}
    if row.cpu_seconds is not None:
        yield count("process_cpu_seconds_total", now_ns, row.cpu_seconds, labels)
    yield gauge("process_resident_memory_bytes", now_ns, stat.resident_bytes, labels)
    yield gauge("process_threads", now_ns, stat.threads, labels)
    if row.fds is not None:
        yield gauge("process_open_fds", now_ns, row.fds, labels)
    if row.limit is not None:
        yield gauge("process_max_fds", now_ns, row.limit, labels)
    for kind in SWITCHES.values():
        if (stat.pid, kind) in switches:
            yield count(
                "process_context_switches_total", now_ns, switches[stat.pid, kind], {**labels, "type": kind}
            )
    yield gauge("process_info", now_ns, 1, {**labels, "name": process.name, "runtime": process.runtime})
