"""A service has too few workers: all are at requests, more wait to be accepted, and the CPUs are idle.

Symptom: latency grows with the number of clients while the CPU is hardly used; a connection waits before anybody reads
from it.

Cause: each worker serves one request at a time and spends it waiting (for a query, a peer, a disk). With more requests
at a time than workers, the rest wait in the accept queue.

Evidence: connections wait in the accept queue for a good part of what a request takes, all workers are at requests
whenever they are looked at, and they leave the CPUs idle. An acceptor that is stalled has a full queue and refuses
connections; with busy CPUs more workers would not help.

Recommendation: as many workers as requests are there at a time, by Little's law: those that are served and those that
wait to be.

Source: Little 1961; Gunicorn's documentation, "How many workers?" (2 × cores + 1 is a guess for work that waits half of
the time); accept_wait_seconds is measured from the end of the handshake until accept() returns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.durations import Durations
from diagnose.correlate.rule import (
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Verdict,
    WillNotHelp,
    Workers,
    strength,
    supports_if,
)
from diagnose.correlate.signals.accept_waits import AcceptWaits
from diagnose.correlate.signals.event_loop import EventLoops
from diagnose.correlate.signals.listener_queues import ListenerQueues
from diagnose.correlate.signals.process_cpu import Process, ProcessCpu
from diagnose.correlate.signals.request_threads import RequestThreads, RequestThreadsOf
from diagnose.correlate.words import number, percent

EXPLAINS = ("network.accept_queue_overflow",)

# s until a connection is accepted, in the middle; a worker that is free takes it within a millisecond
ACCEPT_SECONDS, CLEAR_SECONDS = 0.02, 0.2
# of the looks at a worker that saw it at a request
BUSY_SHARE, CLEAR_BUSY = 0.85, 0.95
# cores of a worker; one that computes all the time needs a CPU, not company
WAITS_CORES = 0.6
# connections accepted lately; fewer tell no median
LEAST_ACCEPTED = 20
# workers; more is a matter of design
MOST_WORKERS = 256


@dataclass(frozen=True, slots=True)
class _Service:
    """A service whose workers serve one request at a time: those that were looked at, and all there are."""

    name: str
    seen: tuple[RequestThreadsOf, ...]
    processes: tuple[Process, ...]
    accepts: Durations
    queued: float | None

    @property
    def busy_share(self) -> float:
        return min(1.0, sum(each.samples for each in self.seen) / sum(each.looks for each in self.seen))

    @property
    def workers(self) -> int:
        return len(self.processes)

    @property
    def cores_each(self) -> float:
        return sum(each.cores for each in self.processes) / self.workers

    @property
    def accept_seconds(self) -> float:
        return self.accepts.quantile(0.5) or 0.0


def check(
    accepts: AcceptWaits,
    threads: RequestThreads,
    cpu: ProcessCpu,
    queues: ListenerQueues | None,
    loops: EventLoops | None,
) -> list[Verdict]:
    """One verdict a service. The thread of an event loop is at many requests at once, and no worker."""
    with_loop = {each.service for each in loops.by_pid.values()} if loops else set()
    found = (
        _service(name, waits, threads, cpu, queues)
        for name, waits in accepts.by_service.items()
        if name not in with_loop
    )
    return [_verdict(each) for each in found if each and _holds(each)]


def _service(
    name: str, accepts: Durations, threads: RequestThreads, cpu: ProcessCpu, queues: ListenerQueues | None
) -> _Service | None:
    """None for one with more threads at requests than processes: its workers are no processes."""
    seen = tuple(each for each in threads.by_pid.values() if each.service == name)
    if not name or not seen or any(each.threads > 1.2 for each in seen):
        return None
    pids = {each.pid for each in seen}
    mine = [each for each in cpu.by_pid.values() if each.service == name]
    if queues and any(queue.pinned and queue.drops for queue in queues.queues if queue.service == name):
        return None
    queued = [queue.recent_mean for queue in queues.queues if queue.service == name] if queues else []
    processes = tuple(each for each in mine if each.pid in pids or each.cores > 0)
    return _Service(name, seen, processes, accepts, sum(queued) if queued else None) if processes else None


def _holds(service: _Service) -> bool:
    late = service.accepts.count >= LEAST_ACCEPTED and service.accept_seconds >= ACCEPT_SECONDS
    return late and service.busy_share >= BUSY_SHARE and service.cores_each < WAITS_CORES


def _at_a_time(service: _Service) -> float:
    """Requests that are served and that wait to be: arrivals × (time until accepted + time served)."""
    served = service.workers * service.busy_share
    if service.queued is not None:
        return served + service.queued
    return served * (1 + service.accept_seconds)


def _verdict(service: _Service) -> Verdict:
    wait = service.accept_seconds
    share = 1 - service.workers * service.busy_share / max(_at_a_time(service), 1e-9)
    subject = Subject(service.name, service.seen[0].pid if service.workers == 1 else None)
    text = f"a connection waits {number(round(1000 * wait))} ms before anybody reads from it, in the middle"
    return Verdict(
        subject=subject,
        headline=f"{service.name} has too few workers: all {service.workers} are at requests, and connections wait "
        f"{number(round(1000 * wait))} ms for one",
        impact=Impact(max(0.05, min(0.95, share)), wait, "s", text),
        evidence=tuple(_evidence(service)),
        ruled_out=(
            RuledOut(
                "cpu.saturation", f"a worker uses {number(round(service.cores_each, 2))} cores: it waits"
            ),
            RuledOut("app.acceptor_stalled", "the queue is not full, and no connection is refused"),
        ),
        recommendations=(_recommendation(service),),
        will_not_help=(
            WillNotHelp("a larger backlog", "connections are not refused; they wait for a worker"),
            WillNotHelp("more CPUs", "those that are there are not used"),
        ),
        explains=EXPLAINS,
    )


def _evidence(service: _Service) -> Iterator[Evidence]:
    labels, wait = (("service", service.name),), service.accept_seconds
    p95 = service.accepts.quantile(0.95) or 0.0
    text = (
        f"connections wait {number(round(1000 * wait))} ms until they are accepted, one in twenty "
        f"{number(round(1000 * p95))} ms and more"
    )
    clear = strength(wait, ACCEPT_SECONDS, CLEAR_SECONDS)
    yield Evidence(
        "supports", "decides", text, "accept_wait_seconds", wait, "s", ACCEPT_SECONDS, "eBPF", clear, labels
    )
    looks = sum(each.looks for each in service.seen)
    text = f"workers were at requests in {percent(service.busy_share)} of {number(round(looks))} looks"
    clear = strength(service.busy_share, BUSY_SHARE, CLEAR_BUSY)
    yield Evidence(
        "supports",
        "decides",
        text,
        "",
        service.busy_share,
        "ratio",
        BUSY_SHARE,
        "py-spy",
        clear,
        labels,
        "wall",
    )
    text = f"each uses {number(round(service.cores_each, 2))} cores: they wait while they are at requests"
    metric = "process_cpu_seconds_total"
    yield Evidence(
        "supports", "separates", text, metric, service.cores_each, "cores", WAITS_CORES, "", 1.0, labels
    )
    if service.queued is not None:
        text = f"{number(round(service.queued, 1))} connections stand in the accept queue, on average"
        kind, metric = supports_if(service.queued >= 1), "listener_accept_queue_length"
        yield Evidence(
            kind, "corroborates", text, metric, service.queued, "connections", 1.0, "inet_diag", 1.0, labels
        )


def _recommendation(service: _Service) -> Recommendation:
    wanted = min(MOST_WORKERS, max(service.workers + 1, math.ceil(_at_a_time(service))))
    served = service.workers * service.busy_share
    queued = number(round(_at_a_time(service) - served, 1))
    formula = (
        f"Little's law: {number(round(served, 1))} requests are served at a time and {queued} "
        f"wait to be; a worker leaves {percent(1 - service.cores_each)} of a core unused"
    )
    return Recommendation(
        Workers(service.name, service.workers, wanted),
        formula,
        "connections are accepted as they come",
        "medium",
        "each worker takes memory and connections to what is behind; threads take less where the work waits",
        "service",
    )
