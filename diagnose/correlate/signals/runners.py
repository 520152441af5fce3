"""Who runs and who waits to run, by service: CPU time, time ready without a CPU, and what a quota has to do with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples, Series

READS = (
    "service_run_seconds_total",
    "service_run_delay_seconds_total",
    "service_run_slices_total",
    "service_realtime_threads",
    "process_cpu_seconds_total",
    "process_allowed_cpus",
    "process_info",
    "listener_accept_queue_length",
    "cgroup_cpu_throttled_seconds_total",
)

# s; three tellings of the threads' probe
RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Runner:
    """One service, per second over the last half minute. `pids` are its processes that used CPU, the busiest first, and
    `cores` what they used. `waiting` is time ready to run without a CPU, `throttled` taken off: threads, on average.

    None: its threads were not looked at.
    """

    service: str
    pids: tuple[int, ...]
    cores: float
    running: float | None
    waiting: float | None
    throttled: float
    slices: float | None
    realtime_threads: float
    allowed_cpus: int | None
    runtime: str
    listeners: tuple[str, ...]

    @property
    def pid(self) -> int | None:
        """The busiest process, for people."""
        return self.pids[0] if self.pids else None

    @property
    def wait_share(self) -> float:
        """Of the time that its threads could run, what they waited; 0 where that is not known."""
        wanted = (self.running or 0.0) + (self.waiting or 0.0)
        return (self.waiting or 0.0) / wanted if wanted else 0.0

    @property
    def seconds_a_wait(self) -> float:
        """Per time that a thread got a CPU: what judges it, as busy services switch often."""
        return (self.waiting or 0.0) / self.slices if self.slices else 0.0


@dataclass(frozen=True, slots=True)
class Runners:
    """By service; of those with processes of their own that were there at the end of the window."""

    by_service: Mapping[str, Runner]

    @classmethod
    def derive(cls, samples: Samples) -> Runners | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        cores: dict[str, dict[int, float]] = {}
        for pid, series in samples.by_process("process_cpu_seconds_total").items():
            rate = series.per_second(begin_ns)
            if rate is not None and samples.is_present(series):
                cores.setdefault(series.labels.get("service", ""), {})[pid] = rate
        if not cores or not samples.of("service_run_delay_seconds_total"):
            return None
        runtimes = {
            pid: each.labels.get("runtime", "") for pid, each in samples.by_process("process_info").items()
        }
        allowed = {pid: int(each.last) for pid, each in samples.by_process("process_allowed_cpus").items()}
        return cls(
            {
                service: _runner(service, by_pid, allowed, runtimes, samples)
                for service, by_pid in cores.items()
            }
        )


def _runner(
    service: str,
    by_pid: Mapping[int, float],
    allowed: Mapping[int, int],
    runtimes: Mapping[int, str],
    samples: Samples,
) -> Runner:
    begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)

    def rate(metric: str) -> float | None:
        found = samples.grouped(metric, "service").get(service)
        return found[0].per_second(begin_ns) if found else None

    running, delayed = rate("service_run_seconds_total"), rate("service_run_delay_seconds_total")
    throttled = 0.0
    if delayed is not None:
        # counted by group it is the time of CPUs, and all runnable threads of the service wait in it
        held = _held(
            samples.grouped("cgroup_cpu_throttled_seconds_total", "service").get(service, ()), begin_ns
        )
        throttled = min(delayed, held * max(1.0, (running or 0.0) + delayed))
    realtime = samples.grouped("service_realtime_threads", "service").get(service)
    listeners = samples.grouped("listener_accept_queue_length", "service").get(service, ())
    pids = tuple(sorted(by_pid, key=lambda pid: -by_pid[pid]))
    return Runner(
        service=service,
        pids=pids,
        cores=sum(by_pid.values()),
        running=running,
        waiting=None if delayed is None else delayed - throttled,
        throttled=throttled,
        slices=rate("service_run_slices_total"),
        realtime_threads=realtime[0].last if realtime else 0.0,
        allowed_cpus=max((allowed[pid] for pid in by_pid if pid in allowed), default=None),
        runtime=runtimes.get(pids[0], ""),
        listeners=tuple(sorted({each.labels.get("listener", "") for each in listeners})),
    )


def _held(groups: tuple[Series, ...], begin_ns: int) -> float:
    return max((each.per_second(begin_ns) or 0.0 for each in groups), default=0.0)
