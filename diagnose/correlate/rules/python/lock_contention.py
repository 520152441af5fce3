"""Requests of a Python service stand in line for one lock of its own.

Symptom: latency grows with the number of clients while throughput stays where it is; the CPUs have time to spare.

Cause: a threading.Lock is held while something slow is done: a query, a write, a sleep. All other requests that need it
wait in one place, however many threads there are.

Evidence: threads wait without a timeout at one address, as many as stacks show standing at one line of the service's
own code, and hardly more than one is further inside. Threads that wait for the interpreter lock wake up every 5 ms
instead; idle workers of a pool wait at one address as well, but in the library's loop and at no request.

Recommendation: the line that waits and the lines that run with the lock; hold it for less, or take a lock for each key.

Source: CPython Python/thread_pthread.h (a lock is a futex without timeout), proc_pid_syscall(5); measured: 14.9 threads
at one address, CPU idle, 3,750 → 238 requests/s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.attribution import LOCKING, is_library, owner
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
from diagnose.correlate.signals.process_cpu import Process, ProcessCpu
from diagnose.correlate.signals.request_threads import RequestThreads, RequestThreadsOf, Spot
from diagnose.correlate.signals.thread_waits import ThreadWaits, ThreadWaitsOf
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "app.acceptor_stalled",
    "app.worker_count",
    "network.accept_queue_overflow",
    "python.event_loop_blocked",
)

# threads in line on average, at the low end of the 95 % interval; one behind another now and then is what a lock is for
WAITING, CLEAR_WAITING = 1.0, 4.0
# of the threads at the line; system calls and stacks are looked at at different moments
AGREE_LOW, AGREE_HIGH = 0.4, 2.5
# threads that are further inside; a lock lets one in
INSIDE = 1.5
# of the threads at requests that wait in one place; fewer are not what holds the service back
LINE_SHARE = 0.3
# cores; one that works with the lock held takes less than this
SPARE_CORES = 0.9


@dataclass(frozen=True, slots=True)
class _Line:
    """One process: where its requests stand in line, and who is further inside."""

    threads: RequestThreadsOf
    waits: ThreadWaitsOf
    at: Spot
    inside: tuple[Spot, ...]

    @property
    def waiting(self) -> float:
        return self.at.count / self.threads.looks

    @property
    def inside_threads(self) -> float:
        return sum(spot.count for spot in self.inside) / self.threads.looks

    @property
    def share(self) -> float:
        return self.at.count / self.threads.samples

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        return (("service", self.threads.service),)


def check(threads: RequestThreads, waits: ThreadWaits, cpu: ProcessCpu | None) -> list[Verdict]:
    """One verdict a process whose requests stand in line."""
    processes = cpu.by_pid if cpu else {}
    siblings = Counter(each.service for each in processes.values())
    lines = (_line(each, waits.by_service.get(each.service)) for each in threads.by_pid.values())
    return [
        _verdict(line, processes.get(line.threads.pid))
        for line in lines
        if line and _holds(line, siblings[line.threads.service])
    ]


def _line(threads: RequestThreadsOf, waits: ThreadWaitsOf | None) -> _Line | None:
    spots = threads.spots(_where_it_may_wait)
    if waits is None or not spots:
        return None
    at = spots[0].frame

    def inside(stack: Stack) -> Frame | None:
        """Past the line in the same function, where what runs with the lock is."""
        if _where_it_may_wait(stack) == at:
            return None
        found = [f for f in stack.frames if (f.name, f.file) == (at.name, at.file) and f.line != at.line]
        return found[-1] if found else None

    return _Line(threads, waits, spots[0], threads.spots(inside))


def _where_it_may_wait(stack: Stack) -> Frame | None:
    """C code has no frame: a lock's acquire shows as the line that calls it."""
    leaf = stack.frames[-1]
    if not is_library(leaf):
        return leaf
    return owner(stack) if leaf.name.rpartition(".")[2] in LOCKING else None


def _holds(line: _Line, siblings: int) -> bool:
    """System calls are told of all processes of the service together."""
    locked = line.waits.on_one_lock
    agree = AGREE_LOW * line.waiting <= locked <= AGREE_HIGH * line.waiting * max(1, siblings)
    in_line = line.threads.threads_low(line.at.count) >= WAITING and locked >= WAITING
    return in_line and agree and line.share >= LINE_SHARE


def _verdict(line: _Line, process: Process | None) -> Verdict:
    subject = Subject(line.threads.service, line.threads.pid)
    waiting = number(round(line.waiting, 1))
    text = f"of {number(round(line.threads.threads, 1))} requests under way {waiting} wait for the lock, on average"
    return Verdict(
        subject=subject,
        headline=f"{subject.name}: {waiting} requests stand in line for one lock at {line.at.short}",
        impact=Impact(line.share, line.waiting, "threads waiting", text),
        evidence=tuple(_evidence(line, process)),
        ruled_out=tuple(_ruled_out(line)),
        recommendations=tuple(_recommendations(line)),
        will_not_help=(
            WillNotHelp("more threads or workers of this process", "they would stand in the same line"),
        ),
        explains=EXPLAINS,
    )


def _evidence(line: _Line, process: Process | None) -> Iterator[Evidence]:
    metric, locked = "service_threads_on_one_futex", line.waits.on_one_lock
    text = f"{number(round(locked, 1))} threads wait at one address without a timeout, on average"
    clear = strength(locked, WAITING, CLEAR_WAITING)
    source = "/proc/PID/task/TID/syscall"
    yield Evidence(
        "supports", "decides", text, metric, locked, "threads", WAITING, source, clear, line.labels
    )
    low = line.threads.threads_low(line.at.count)
    text = (
        f"{number(round(line.waiting, 1))} threads stand at {line.at.place} "
        f"(at least {number(round(low, 1))} at the low end of the 95 % interval)"
    )
    pid = (("pid", str(line.threads.pid)),)
    clear = strength(low, WAITING, CLEAR_WAITING)
    yield Evidence(
        "supports", "decides", text, "", line.waiting, "threads", WAITING, "py-spy", clear, pid, "wall"
    )
    inside = line.inside_threads
    text = f"{number(round(inside, 2))} threads are further inside, on average: a lock lets one in"
    kind = supports_if(inside <= INSIDE)
    yield Evidence(kind, "separates", text, "", inside, "threads", INSIDE, "py-spy", 1.0, pid, "wall")
    if process is None:
        yield Evidence("missing", "corroborates", "the CPU time of the process was not read")
        return
    text = f"the process uses {number(round(process.cores, 2))} cores: it waits more than it computes"
    kind, metric = supports_if(process.cores <= SPARE_CORES), "process_cpu_seconds_total"
    yield Evidence(
        kind, "corroborates", text, metric, process.cores, "cores", SPARE_CORES, "/proc/PID/stat", 1.0, pid
    )


def _ruled_out(line: _Line) -> Iterator[RuledOut]:
    again = line.waits.for_interpreter
    if again < WAITING:
        text = f"{number(round(again, 2))} threads wake up every 5 ms to ask for the interpreter lock"
        yield RuledOut("python.gil_contention", text)
    yield RuledOut("app.pool_exhausted", "they wait at one address; those who wait for a pool have one each")
    yield RuledOut("app.slow_dependency", "who waits for a peer is in recv or poll, not at a lock")


def _recommendations(line: _Line) -> Iterator[Recommendation]:
    formula = (
        f"{line.at.count} of {line.threads.samples} samples of threads at requests: {percent(line.share)}"
    )
    if line.inside:
        holder = line.inside[0]
        what = f"take what {holder.short} does out of the lock that {line.at.short} waits for, or make it quicker"
        formula += f"; {number(round(line.inside_threads, 2))} threads inside"
        yield Recommendation(
            Code(holder.place, what),
            formula,
            "throughput is one request for each time that the lock is held",
            "medium",
            "what the lock protects must stay consistent",
            "service",
        )
    what = "take a lock for each key (customer, order, file) instead of one for all"
    yield Recommendation(
        Code(line.at.place, what),
        formula,
        "requests for different keys no longer wait for one another",
        "medium",
        "two locks taken in different orders can wait for one another for ever",
        "service",
    )
