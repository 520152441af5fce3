"""Where the time of a service's threads goes, as shares that add up to 1: the first question of every diagnosis.

The basis is how many threads were, on average, running or waiting for what: seen by the collector several times a
second, and for CPUs counted by the kernel. Where a dependency's answers are timed (eBPF), threads that wait for it are
told from those that wait for work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from diagnose.correlate.rule import Unknown

State = Literal[
    "on_cpu", "waiting_for_cpu", "throttled", "lock", "disk", "memory", "network", "dependency", "idle"
]
STATES: tuple[State, ...] = get_args(State)
# Each reads the mean of its readings, a counter its increase per second.
READS = (
    "service_threads_waiting",
    "service_threads_on_one_futex",
    "service_threads_rearming_futex",
    "service_run_seconds_total",
    "service_run_delay_seconds_total",
    "cgroup_cpu_throttled_seconds_total",
    "cgroup_pressure_waiting_seconds_total",
    "process_info",
)
# Sums per second of these histograms are threads that wait, on average.
HISTOGRAMS = ("runqueue_throttled_seconds", "dependency_seconds")

_DISK = ("file", "sync")
# What a thread that waits for an answer may be seen in: the call itself, or the loop that polls for many.
_FOR_ANSWERS = ("receive", "poll")
# A reading made of stacks: of all threads' time the share in which the service's own code was on top of the stack.
OWN_CODE = "own_code_ratio"
# threads at one address; a single one waits for work as likely as for a lock
CONVOY = 2.0
# What own code waits in that is no lock.
_OWN_WAITS = ("running", "sleep", "receive", "send", "timed_lock", "file", "sync", "connect")
# Its locks stop goroutines, not threads: a thread of it in a futex is a spare one.
_PARKS_THREADS_ONLY_WHEN_IDLE = "go"


@dataclass(frozen=True, slots=True)
class Reading:
    """One series over the whole time: its mean, or its increase per second."""

    metric: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Triage:
    """`threads` of a service and in what they spent their time. `unknown` says what could not be told apart."""

    service: str
    threads: float
    shares: Mapping[State, float]
    unknown: tuple[Unknown, ...] = ()

    @property
    def busy(self) -> float:
        """Threads that were not idle."""
        return self.threads * (1.0 - self.shares["idle"])

    @property
    def heaviest(self) -> State:
        """Where most of the time goes that is not idle."""
        return max((state for state in STATES if state != "idle"), key=lambda state: self.shares[state])


def triage(readings: Iterable[Reading]) -> tuple[Triage, ...]:
    """One for each service whose threads were looked at, the busiest first."""
    every = _ByService(readings)
    found = [_of_service(service, every) for service in every.services()]
    return tuple(sorted((each for each in found if each), key=lambda each: (-each.busy, each.service)))


class _ByService:
    """Sums of readings by metric, service and, where there is one, the label that tells kinds apart."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._values: dict[tuple[str, str, str], float] = {}
        self._runtimes: dict[str, set[str]] = {}
        for each in readings:
            service, labels = each.labels.get("service", ""), each.labels
            kind = labels.get("wait") or labels.get("timed") or labels.get("resource") or ""
            key = each.metric, service, kind
            self._values[key] = self._values.get(key, 0.0) + each.value
            if each.metric == "process_info":
                self._runtimes.setdefault(service, set()).add(labels.get("runtime", ""))
        self._measured = {metric for metric, _, _ in self._values}

    def services(self) -> list[str]:
        return sorted({service for metric, service, _ in self._values if metric == "service_threads_waiting"})

    def waits(self, service: str) -> dict[str, float]:
        return {
            kind: value
            for (metric, of, kind), value in self._values.items()
            if metric == "service_threads_waiting" and of == service
        }

    def of(self, metric: str, service: str, kind: str = "") -> float | None:
        return self._values.get((metric, service, kind))

    def is_measured(self, metric: str) -> bool:
        """Whether it is measured on this host at all: then a service without a reading has none of it."""
        return metric in self._measured

    def runs_on(self, service: str, runtime: str) -> bool:
        return any(each.startswith(runtime) for each in self._runtimes.get(service, ()))


def _of_service(service: str, every: _ByService) -> Triage | None:
    waits = every.waits(service)
    unknown: list[Unknown] = []
    asleep: dict[State, float] = {
        "lock": _locked(service, waits, every, unknown),
        "disk": sum(waits.get(kind, 0.0) for kind in _DISK),
        **_for_others(service, waits, every, unknown),
    }
    rest = sum(value for kind, value in waits.items() if kind != "running") - sum(asleep.values())
    reclaiming = every.of("cgroup_pressure_waiting_seconds_total", service, "memory") or 0.0
    asleep["memory"] = min(max(rest, 0.0), reclaiming)
    asleep["idle"] = max(rest, 0.0) - asleep["memory"]
    threads = asleep | _on_cpus(service, waits, every)
    total = sum(threads.values())
    if total <= 0:
        return None
    shares: dict[State, float] = {state: threads.get(state, 0.0) / total for state in STATES}
    return Triage(service, total, shares, tuple(unknown))


def _on_cpus(service: str, waits: Mapping[str, float], every: _ByService) -> dict[State, float]:
    """The kernel's own account where there is one; how many were seen running holds those that wait for a CPU too."""
    running = every.of("service_run_seconds_total", service)
    if running is None:
        return {"on_cpu": waits.get("running", 0.0)}
    delayed = every.of("service_run_delay_seconds_total", service) or 0.0
    throttled = min(delayed, _throttled(service, running + delayed, every))
    return {"on_cpu": running, "waiting_for_cpu": delayed - throttled, "throttled": throttled}


def _throttled(service: str, runnable: float, every: _ByService) -> float:
    """Threads that a quota held back. Counted by group, it is the time of CPUs: all runnable threads wait in it."""
    if every.is_measured("runqueue_throttled_seconds"):
        return every.of("runqueue_throttled_seconds", service) or 0.0
    return (every.of("cgroup_cpu_throttled_seconds_total", service) or 0.0) * max(1.0, runnable)


def _locked(service: str, waits: Mapping[str, float], every: _ByService, unknown: list[Unknown]) -> float:
    """Threads that look at CPython's lock every 5 ms, and those at one address that their own code waits at.

    A pool that waits for work stands at one address as well; there, a library's loop is on top of the stack.
    """
    python = every.runs_on(service, "python")
    rearming = (every.of("service_threads_rearming_futex", service) or 0.0) if python else 0.0
    interpreter = min(rearming, waits.get("timed_lock", 0.0))
    convoy = min(every.of("service_threads_on_one_futex", service, "no") or 0.0, waits.get("lock", 0.0))
    own_code = every.of(OWN_CODE, service)
    if convoy < CONVOY or every.runs_on(service, _PARKS_THREADS_ONLY_WHEN_IDLE):
        return interpreter
    if own_code is None:
        unknown.append(
            Unknown("lock", "without stacks, threads that wait for a lock or for work look alike: see idle")
        )
        return interpreter
    blocked = own_code * sum(waits.values()) - sum(waits.get(kind, 0.0) for kind in _OWN_WAITS)
    return interpreter + min(convoy, max(0.0, blocked))


def _for_others(
    service: str, waits: Mapping[str, float], every: _ByService, unknown: list[Unknown]
) -> dict[State, float]:
    network = waits.get("send", 0.0) + waits.get("connect", 0.0)
    receiving = waits.get("receive", 0.0)
    if not every.is_measured("dependency_seconds"):
        unknown.append(
            Unknown("dependency", "answers of other services are not timed (eBPF): they are under network")
        )
        return {"network": network + receiving}
    in_flight = every.of("dependency_seconds", service) or 0.0
    waiting = min(in_flight, sum(waits.get(kind, 0.0) for kind in _FOR_ANSWERS))
    return {"network": network, "dependency": waiting}
