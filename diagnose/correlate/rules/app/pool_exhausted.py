"""Requests wait for a connection of a pool that is too small.

Symptom: latency grows with the number of requests at a time, throughput stays, CPUs and the service behind are idle.

Cause: the pool has fewer connections than requests need at a time; the rest wait in its queue before they may ask.

Evidence: threads at requests wait in a pool's checkout or in a queue that stands for one, while few others hold a
connection, and the process has CPU to spare. Where the service behind is slow, they are in its answer and not in the
pool. Who waits for a pool has a lock of his own; who waits for one lock shares its address.

Recommendation: as many connections as are wanted at a time by Little's law (rate × time that one is held), the waiting
ones included; what the service behind allows has to be looked at first.

Source: Little 1961; measured: 30 threads at a futex and 1.6 at the peer, 5,085 → 346 requests/s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.attribution import is_library, is_waiting
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.samples import Frame, Stack
from diagnose.correlate.serving import entry
from diagnose.correlate.signals.process_cpu import Process, ProcessCpu
from diagnose.correlate.signals.request_threads import RequestThreads, RequestThreadsOf, Spot
from diagnose.correlate.signals.requests import Requests
from diagnose.correlate.signals.thread_waits import ThreadWaits, ThreadWaitsOf
from diagnose.correlate.words import number, percent

EXPLAINS = ("app.acceptor_stalled", "app.worker_count", "network.accept_queue_overflow")

# threads in the checkout on average, at the low end of the 95 % interval
WAITING, CLEAR_WAITING = 1.0, 4.0
# of the threads at requests
SHARE = 0.3
# cores; a process that has none left is slow for another reason
SPARE_CORES = 0.9
# of those that wait; more of them at one address stand in line for one lock
ONE_ADDRESS = 0.5
# room for bursts, in parts of what is wanted on average
ROOM = 0.2
# Files of pools, and what a pool of one's own is made of; both only where a thread waits in them.
_POOLS = (
    "psycopg_pool/",
    "psycopg2/pool.py",
    "sqlalchemy/pool/",
    "sqlalchemy/util/queue.py",
    "redis/connection.py",
    "valkey/connection.py",
    "urllib3/connectionpool.py",
    "httpcore/_sync/connection_pool.py",
    "dbutils/",
    "mysql/connector/pooling.py",
    "peewee.py",
)
_QUEUES = (
    ("queue.py", "get"),
    ("threading.py", "Semaphore.acquire"),
    ("threading.py", "BoundedSemaphore.acquire"),
)


@dataclass(frozen=True, slots=True)
class _Pool:
    """One process: where its requests wait for a connection, how many, and how many hold one."""

    threads: RequestThreadsOf
    at: Spot
    holding: float
    waits: ThreadWaitsOf | None
    process: Process | None
    rate: float | None

    @property
    def waiting(self) -> float:
        return self.at.count / self.threads.looks

    @property
    def share(self) -> float:
        return self.at.count / self.threads.samples

    @property
    def wanted(self) -> int:
        return math.ceil((self.holding + self.waiting) * (1 + ROOM))


def check(
    threads: RequestThreads, waits: ThreadWaits | None, cpu: ProcessCpu | None, requests: Requests | None
) -> list[Verdict]:
    """One verdict a process."""
    found = []
    for each in threads.by_pid.values():
        spots = each.spots(_checkout)
        if not spots or each.threads_low(spots[0].count) < WAITING:
            continue
        of_service = waits.by_service.get(each.service) if waits else None
        process = cpu.by_pid.get(each.pid) if cpu else None
        rate = requests.per_second(each.service) if requests else None
        pool = _Pool(each, spots[0], _holding(each, spots[0].frame), of_service, process, rate)
        if pool.share >= SHARE and not _is_one_lock(pool) and not _computes(pool):
            found.append(_verdict(pool))
    return found


def _checkout(stack: Stack) -> Frame | None:
    """The service's line that asks a pool, of a thread that waits there."""
    if not is_waiting(stack) and stack.frames[-1].name.rpartition(".")[2] != "acquire":
        return None
    start = entry(stack.frames) or 0
    for place in range(len(stack.frames) - 1, start, -1):
        frame = stack.frames[place]
        if not is_library(frame):
            return None
        if _is_pool(frame):
            outer = reversed(stack.frames[start:place])
            return next((each for each in outer if not is_library(each)), None)
    return None


def _is_pool(frame: Frame) -> bool:
    if any(pool in frame.file for pool in _POOLS):
        return True
    name = frame.name.rpartition(".<locals>.")[2]
    return any(frame.file.endswith(file) and name.endswith(function) for file, function in _QUEUES)


def _holding(threads: RequestThreadsOf, at: Frame) -> float:
    """Threads past the checkout in the same function, or in what it calls, on average."""

    def past(stack: Stack) -> Frame | None:
        found = [each for each in stack.frames if (each.name, each.file) == (at.name, at.file)]
        return found[-1] if found and found[-1].line != at.line else None

    return sum(spot.count for spot in threads.spots(past)) / threads.looks


def _is_one_lock(pool: _Pool) -> bool:
    return pool.waits is not None and pool.waits.on_one_lock > ONE_ADDRESS * pool.waiting + 1


def _computes(pool: _Pool) -> bool:
    return pool.process is not None and pool.process.cores > SPARE_CORES


def _verdict(pool: _Pool) -> Verdict:
    subject = Subject(pool.threads.service, pool.threads.pid)
    waiting = number(round(pool.waiting, 1))
    text = f"{percent(pool.share)} of the time of requests is waiting for a connection of the pool"
    return Verdict(
        subject=subject,
        headline=f"{subject.name}: {waiting} requests wait for a connection of a pool, at {pool.at.short}",
        impact=Impact(pool.share, pool.waiting, "threads waiting", text),
        evidence=tuple(_evidence(pool)),
        ruled_out=(
            RuledOut(
                "app.slow_dependency",
                f"only {number(round(pool.holding, 1))} threads wait for the peer's answer",
            ),
            RuledOut(
                "python.lock_contention", "they do not wait at one address, as those who wait for one lock do"
            ),
        ),
        recommendations=(_recommendation(pool),),
        will_not_help=(
            WillNotHelp("more threads or workers with the same pool", "they wait for the same connections"),
        ),
        explains=EXPLAINS,
    )


def _evidence(pool: _Pool) -> Iterator[Evidence]:
    labels, low = (("pid", str(pool.threads.pid)),), pool.threads.threads_low(pool.at.count)
    text = (
        f"{number(round(pool.waiting, 1))} threads wait in the pool's checkout at {pool.at.place}, on average "
        f"(at least {number(round(low, 1))} at the low end of the 95 % interval)"
    )
    clear = strength(low, WAITING, CLEAR_WAITING)
    yield Evidence(
        "supports", "decides", text, "", pool.waiting, "threads", WAITING, "py-spy", clear, labels, "wall"
    )
    text = f"{number(round(pool.holding, 1))} hold a connection: fewer than wait"
    kind = supports_if(pool.holding < pool.waiting)
    yield Evidence(
        kind, "separates", text, "", pool.holding, "threads", pool.waiting, "py-spy", 1.0, labels, "wall"
    )
    metric = "service_threads_on_one_futex"
    if pool.waits is None:
        yield Evidence("missing", "separates", "at how many addresses they wait was not read", metric)
    else:
        one = pool.waits.on_one_lock
        text = f"{number(round(one, 1))} threads at most wait at one address: they have one each"
        service = (("service", pool.threads.service),)
        yield Evidence(
            "supports",
            "separates",
            text,
            metric,
            one,
            "threads",
            ONE_ADDRESS * pool.waiting,
            "",
            1.0,
            service,
        )
    metric = "process_cpu_seconds_total"
    if pool.process is None:
        yield Evidence("missing", "separates", "the CPU time of the process was not read", metric)
        return
    text = f"the process uses {number(round(pool.process.cores, 2))} cores"
    yield Evidence(
        "supports", "corroborates", text, metric, pool.process.cores, "cores", SPARE_CORES, "", 1.0, labels
    )


def _recommendation(pool: _Pool) -> Recommendation:
    holding, waiting = number(round(pool.holding, 1)), number(round(pool.waiting, 1))
    formula = f"{holding} connections in use + {waiting} wanted, and {percent(ROOM)} room"
    if pool.rate and pool.holding:
        held_ms = number(round(1000 * pool.holding / pool.rate, 1))
        formula = (
            f"Little's law: {number(round(pool.rate, 1))} requests/s × {held_ms} ms that one is held = {holding} "
            f"in use; {waiting} more are wanted at a time, and {percent(ROOM)} room"
        )
    change = Code(pool.at.place, f"let the pool have {pool.wanted} connections")
    expected = (
        "nobody waits for a connection, as long as the service behind answers as quickly to more of them"
    )
    risk = (
        "the service behind gets more connections at a time: see its limit (max_connections) and its latency"
    )
    return Recommendation(change, formula, expected, "medium", risk, "service")
