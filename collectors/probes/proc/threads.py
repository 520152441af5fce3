"""What the threads of watched services do: how many wait for what, and how long they wait for a CPU.

Threads are looked at as often as 0.15 % of a core allows, and told every ten seconds as means by service.
"""

# ruff: noqa: PTH208 - pathlib costs five times as much, and these run for every thread
from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from collectors.kernel import procfs, waits
from collectors.probe import Cost, Host, Metric, NoData
from collectors.processes import watched
from collectors.processes.identity import Process
from collectors.processes.interpreterlock import REARM_HZ, InterpreterLocks
from collectors.readings import Increases, count, gauge
from collectors.wire import Sample

LOOK_SHARE = 0.0015
TELL_SECONDS = 10.0
MOST_PROCESSES = 32
# Of a process with more threads an even part is looked at and scaled up.
MOST_THREADS = 64
MOST_SERVICES = 24
_ORDINARY_POLICIES = {0, 3, 5}  # SCHED_OTHER, SCHED_BATCH, SCHED_IDLE; the others run before these

_SERVICE = ("service",)
METRICS = (
    Metric(
        "service_threads_waiting",
        "",
        "Threads by what they wait for, on average; `running` runs or waits for a CPU.",
        ("service", "wait"),
    ),
    Metric(
        "service_threads_on_one_futex",
        "",
        "Most threads of one process that wait at one address, on average.",
        ("service", "timed"),
    ),
    Metric(
        "service_threads_rearming_futex",
        "",
        "Threads that wait for CPython's interpreter lock, waking up more than 50 times/s to wait on.",
        _SERVICE,
    ),
    Metric("service_run_seconds_total", "s", "Time on a CPU, of live threads.", _SERVICE, True),
    Metric("service_run_delay_seconds_total", "s", "Time ready to run without a CPU.", _SERVICE, True),
    Metric(
        "service_run_slices_total", "", "Times a thread got a CPU: judge the delay by them.", _SERVICE, True
    ),
    Metric("service_realtime_threads", "", "Threads with a real-time policy.", _SERVICE),
)
Key = tuple[int, int, str]  # pid, thread, what


@dataclass(slots=True)
class _Looks:
    """Sums over the looks since the last telling."""

    waiting: Counter[str] = field(default_factory=Counter)
    on_one: Counter[str] = field(default_factory=Counter)


class Threads:
    """The source of triage when nothing else is on: a lock, a peer, a disk, or no CPU."""

    NAME = "threads"
    COST: Cost = "dear"
    INTERVAL_SECONDS = 1.0
    METRICS: tuple[Metric, ...] = METRICS

    def __init__(self) -> None:
        self._looks: defaultdict[str, _Looks] = defaultdict(_Looks)
        # By service what its threads were ever seen to wait for: told as 0 too, so that means over time are right.
        self._kinds: dict[str, set[str]] = {}
        self._number = 0
        self._next_look = 0.0
        self._told_at_ns = 0
        self._locks: InterpreterLocks | None = None
        self._runs: Increases[Key] = Increases()

    def collect(self, host: Host) -> Iterator[Sample]:
        """NotYet without the process probe's choice, or the right to look."""
        processes = watched.of(host.proc).chosen()
        if time.monotonic() >= self._next_look:
            began = time.thread_time()
            self._look(str(host.proc), processes[:MOST_PROCESSES])
            self._next_look = time.monotonic() + (time.thread_time() - began) / LOOK_SHARE
        self._told_at_ns = self._told_at_ns or host.now_ns
        if host.now_ns - self._told_at_ns >= TELL_SECONDS * 1e9:
            yield from self._tell(host, processes[:MOST_PROCESSES])

    def _look(self, root: str, processes: list[Process]) -> None:
        self._number += 1
        refused = seen = 0
        for process in processes:
            found, denied = self._look_at(root, process)
            seen, refused = seen + found, refused + denied
        if refused and not seen:
            raise NoData(
                "system calls of threads may not be seen: run the collector as root or with CAP_SYS_PTRACE"
            )

    def _look_at(self, root: str, process: Process) -> tuple[int, int]:
        threads = _threads(root, process.pid)
        step = max(1, -(-len(threads) // MOST_THREADS))
        chosen = threads[self._number % step :: step]
        kinds: Counter[str] = Counter()
        addresses: Counter[tuple[str, int]] = Counter()
        timed: list[tuple[int, int]] = []
        refused = 0
        for thread in chosen:
            try:
                text = procfs.read_record(f"{root}/{process.pid}/task/{thread}/syscall")
            except PermissionError:
                refused += 1
                continue
            except OSError:  # it ended
                continue
            wait = waits.parse(text, root, process.pid)
            kinds[wait.kind] += 1
            if wait.futex:
                addresses[wait.kind, wait.futex] += 1
                if wait.kind == "timed_lock":
                    timed.append((int(thread), wait.futex))
        if timed and kinds["running"] and process.runtime.startswith("python"):
            self._locks = self._locks or InterpreterLocks(root)
            self._locks.add(process.pid, timed)
        self._add(process.service, kinds, addresses, len(threads) / max(len(chosen), 1))
        return kinds.total(), refused

    def _add(
        self, service: str, kinds: Counter[str], addresses: Counter[tuple[str, int]], scale: float
    ) -> None:
        looks = self._looks[service]
        for kind, number in kinds.items():
            looks.waiting[kind] += round(number * scale)
        for kind in ("lock", "timed_lock"):
            most = max((number for (of, _), number in addresses.items() if of == kind), default=0)
            looks.on_one[kind] += round(most * scale)

    def _tell(self, host: Host, processes: list[Process]) -> Iterator[Sample]:
        seconds = (host.now_ns - self._told_at_ns) / 1e9
        self._told_at_ns = host.now_ns
        looks, self._looks = self._looks, defaultdict(_Looks)
        number, self._number = max(self._number, 1), 0
        busiest = sorted(looks.items(), key=lambda item: item[1].waiting.total(), reverse=True)
        services = {service for service, _ in busiest[:MOST_SERVICES]}
        self._kinds = {
            service: self._kinds.get(service, set()) | set(looks[service].waiting) for service in services
        }
        for service, seen in busiest[:MOST_SERVICES]:
            labels = {"service": service}
            for kind in sorted(self._kinds[service]):
                value = seen.waiting[kind] / number
                yield gauge("service_threads_waiting", host.now_ns, value, {**labels, "wait": kind})
            for kind, total in seen.on_one.items():
                timed = {"timed": "yes" if kind == "timed_lock" else "no"}
                yield gauge("service_threads_on_one_futex", host.now_ns, total / number, {**labels, **timed})
        chosen = [process for process in processes if process.service in services]
        yield from self._tell_runs(host, chosen, seconds, number)
        if self._locks:
            self._locks.clear()

    def _tell_runs(
        self, host: Host, processes: list[Process], seconds: float, number: int
    ) -> Iterator[Sample]:
        """Increases of /proc/PID/task/TID/schedstat, summed by service; real-time policies beside them."""
        services = {process.pid: process.service for process in processes}
        readings: dict[Key, float] = {}
        realtime: Counter[str] = Counter()
        for process in processes:
            for thread in _threads(str(host.proc), process.pid)[:MOST_THREADS]:
                directory = f"{host.proc}/{process.pid}/task/{thread}"
                readings |= _schedstat(directory, process.pid, int(thread))
                realtime[process.service] += _is_realtime(directory)
        sums: Counter[tuple[str, str]] = Counter()
        often: defaultdict[int, list[int]] = defaultdict(list)
        for (pid, thread_id, what), increase in self._runs.since_last(readings).items():
            sums[services[pid], what] += increase  # type: ignore[assignment]
            if what == "slices" and increase / seconds >= REARM_HZ:
                often[pid].append(thread_id)
        for (service, what), total in sums.items():
            metric, factor = _RUNS[what]
            yield count(metric, host.now_ns, total * factor, {"service": service})
        rearming: Counter[str] = Counter()
        for pid, threads in often.items():
            rearming[services[pid]] += self._locks.waiting(pid, threads, number) if self._locks else 0
        for service in sorted(set(services.values())):
            yield gauge(
                "service_threads_rearming_futex", host.now_ns, rearming[service], {"service": service}
            )
            yield gauge("service_realtime_threads", host.now_ns, realtime[service], {"service": service})


_RUNS = {
    "run": ("service_run_seconds_total", 1e-9),
    "delay": ("service_run_delay_seconds_total", 1e-9),
    "slices": ("service_run_slices_total", 1),
}


def _threads(root: str, pid: int) -> list[str]:
    try:
        return os.listdir(f"{root}/{pid}/task")
    except OSError:
        return []


def _schedstat(directory: str, pid: int, thread: int) -> dict[Key, float]:
    """Nanoseconds on a CPU, nanoseconds in the queue, times it got a CPU (Documentation/scheduler/sched-stats.rst)."""
    try:
        values = procfs.numbers(procfs.read_record(f"{directory}/schedstat"))
    except OSError:  # the thread ended, or the kernel was built without CONFIG_SCHED_INFO
        return {}
    if values is None or len(values) != 3:
        return {}
    return {(pid, thread, what): value for what, value in zip(_RUNS, values, strict=True)}


def _is_realtime(directory: str) -> bool:
    try:
        fields = procfs.read_record(f"{directory}/stat").rpartition(b") ")[2].split()
    except OSError:
        return False
    policy = procfs.number(fields[38]) if len(fields) > 38 else 0  # field 41 of proc_pid_stat(5)
    return policy not in _ORDINARY_POLICIES
