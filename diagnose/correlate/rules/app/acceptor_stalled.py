"""The thread that accepts connections does not come round to it, and the accept queue stays full.

Symptom: every client waits long to connect, throughput is far below what was served before, and the queue of the
listener never drains.

Cause: one thread takes connections out of the queue and also does something else: it runs a slow handler itself,
waits for a lock or a peer, or starves for CPU. Connections come faster than it returns to accept().

Evidence: Recv-Q of the listener is at its limit in most readings and never 0, connections are refused, and the
accepting thread is hardly ever seen waiting in accept, select or poll. A small backlog under bursts
(network.accept_queue_overflow) shows the contrary: an empty queue and an idle acceptor between bursts.

Recommendation: take the work off the accepting thread, or accept in more threads or processes: as many as the ratio of
arrivals to accepted connections asks for. A longer queue only makes everybody wait longer.

Source: accept(2), listen(2), socket(7) on SO_REUSEPORT; measured: 20 ms of work for each accept at a backlog of 128
pinned the queue at 129 and cut 300 to 49 requests/s, 16 acceptors restored it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from diagnose.correlate.overflows import unexplained
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    Workers,
    strength,
)
from diagnose.correlate.signals.accepting_thread import AcceptingThread, AcceptingThreadOf
from diagnose.correlate.signals.listen_counters import ListenCounters, ListenCounts
from diagnose.correlate.signals.listener_queues import ListenerQueue, ListenerQueues
from diagnose.correlate.signals.process_files import ProcessFiles
from diagnose.correlate.signals.python_gil import PythonGil
from diagnose.correlate.words import number, percent

EXPLAINS = ("network.accept_queue_overflow", "network.reuseport_imbalance")

# readings, and the seconds they span: longer than any burst drains, or than a service that just began to listen needs
# to come round to its first accept()
LEAST_READINGS, LEAST_SECONDS = 10, 15.0
# of recent readings at the limit; clear where only one in ten is not
PINNED_SHARE, CLEAR_SHARE = 0.5, 0.9
# refused connections in the window; a full queue that nobody else asks for harms nobody
LEAST_DROPS = 5
# of the thread's samples in accept, select or poll; a thread that keeps up waits there most of the time
BUSY_IDLE_SHARE, CLEAR_IDLE_SHARE = 0.2, 0.05
# of the limit of open files, and of time with the lock: as in the rules that these lookalikes have
FILES_SHARE = 0.9
GIL_SHARE = 0.7
# acceptors; more than this is a matter of design, not of a setting
MOST_ACCEPTORS = 64


def check(
    queues: ListenerQueues,
    counters: ListenCounters | None,
    thread: AcceptingThread | None,
    files: ProcessFiles | None,
    gil: PythonGil | None,
) -> list[Verdict]:
    """One verdict a listener whose queue stays full while connections are refused."""
    verdicts = []
    for queue in filter(_stays_full, queues.queues):
        counts = counters.by_netns.get(queue.netns) if counters else None
        drops = _drops(queue, queues, counts)
        if drops < LEAST_DROPS:
            continue
        acceptor = thread.by_pid.get(queue.pid) if thread and queue.pid else None
        subject = Subject(queue.service, queue.pid, queue.listener, queue.netns)
        verdicts.append(
            Verdict(
                subject=subject,
                headline=_headline(subject, queue, acceptor),
                impact=_impact(queue, drops, counts),
                evidence=tuple(_evidence(queue, drops, acceptor)),
                ruled_out=tuple(_ruled_out(queue, files, gil)),
                recommendations=tuple(_recommendations(queue, drops, counts, acceptor)),
                will_not_help=(
                    WillNotHelp(
                        "a larger backlog or somaxconn", "the queue never drains: it would fill as well"
                    ),
                ),
                unknown=tuple(_unknown(queue, acceptor, gil)),
                explains=EXPLAINS,
            )
        )
    return verdicts


def _stays_full(queue: ListenerQueue) -> bool:
    long_enough = queue.recent_readings >= LEAST_READINGS and queue.recent_seconds >= LEAST_SECONDS
    return queue.pinned and long_enough


def _drops(queue: ListenerQueue, queues: ListenerQueues, counts: ListenCounts | None) -> float:
    """By its own counter, else the overflows of its namespace that no other listener's counter explains."""
    if queue.drops is not None:
        return queue.drops
    return unexplained(queue.netns, counts, queues) if counts else 0.0


def _headline(subject: Subject, queue: ListenerQueue, acceptor: AcceptingThreadOf | None) -> str:
    busy = f", it is busy in {acceptor.busy_with[0].short}" if acceptor and acceptor.busy_with else ""
    return f"{subject.name} does not keep up with accepting on {queue.listener}{busy}"


def _impact(queue: ListenerQueue, drops: float, counts: ListenCounts | None) -> Impact:
    text = f"everybody who connects waits behind {queue.peak} others"
    if counts is None or counts.opened is None:
        return Impact(0.5, queue.peak, "connections waiting", text)
    share = drops / (drops + counts.opened) if drops else 0.0
    text = f"{text}, and {percent(share)} of all attempts are refused"
    return Impact(max(share, 0.5), queue.peak, "connections waiting", text)


def _evidence(queue: ListenerQueue, drops: float, acceptor: AcceptingThreadOf | None) -> Iterator[Evidence]:
    labels: tuple[tuple[str, str], ...] = (("listener", queue.listener),)
    length = "listener_accept_queue_length"
    share = queue.recent_at_limit_share
    lately = f"of the last {queue.recent_readings} readings"
    text = f"the queue was at its limit of {queue.limit} in {percent(share)} {lately}"
    clear = strength(share, PINNED_SHARE, CLEAR_SHARE)
    yield Evidence(
        "supports", "decides", text, length, share, "ratio", PINNED_SHARE, "inet_diag", clear, labels
    )
    share = queue.recent_empty_share
    text = f"it was empty in {percent(share)} of them: there is no pause between bursts"
    yield Evidence("supports", "separates", text, length, share, "ratio", 0.05, "inet_diag", 1.0, labels)
    text = f"{number(drops)} connections were refused in the window"
    metric = "listener_drops_total" if queue.drops is not None else "netstat_TcpExt_ListenOverflows"
    labels = labels if queue.drops is not None else ()
    yield Evidence(
        "supports", "corroborates", text, metric, drops, "connections", LEAST_DROPS, "", 1.0, labels
    )
    yield _seen_busy(acceptor)


def _seen_busy(acceptor: AcceptingThreadOf | None) -> Evidence:
    if acceptor is None:
        return Evidence(
            "missing", "separates", "no stacks show what the accepting thread does", profile="wall"
        )
    share = acceptor.idle_share
    text = (
        f"the accepting thread {acceptor.thread} waited for connections in {percent(share)} of "
        f"{acceptor.samples} samples"
    )
    if share > BUSY_IDLE_SHARE:
        return Evidence(
            "contradicts",
            "decides",
            text,
            value=share,
            unit="ratio",
            threshold=BUSY_IDLE_SHARE,
            profile="wall",
        )
    clear = strength(share, BUSY_IDLE_SHARE, CLEAR_IDLE_SHARE)
    return Evidence(
        "supports", "decides", text, "", share, "ratio", BUSY_IDLE_SHARE, "py-spy", clear, profile="wall"
    )


def _ruled_out(queue: ListenerQueue, files: ProcessFiles | None, gil: PythonGil | None) -> Iterator[RuledOut]:
    reason = f"the queue does not drain: empty in {percent(queue.recent_empty_share)} of recent readings"
    yield RuledOut("network.accept_queue_overflow", reason)
    mine = files.by_pid.get(queue.pid) if files and queue.pid else None
    if mine and mine.share < FILES_SHARE:
        yield RuledOut("limits.process_fds", f"{mine.peak} files open of {mine.limit}")
    lock = gil.by_pid.get(queue.pid) if gil and queue.pid else None
    if lock and lock.held < GIL_SHARE:
        yield RuledOut("python.gil_contention", f"the GIL is held {percent(lock.held)} of the time")


def _recommendations(
    queue: ListenerQueue, drops: float, counts: ListenCounts | None, acceptor: AcceptingThreadOf | None
) -> Iterator[Recommendation]:
    if acceptor and acceptor.busy_with:
        busy = acceptor.busy_with[0]
        share = busy.count / acceptor.samples
        formula = f"{percent(share)} of the accepting thread's {acceptor.samples} samples"
        what = "hand connections to other threads or a pool right after accept(), and do this work there"
        expected = "the thread is back in accept() at once; the queue drains"
        yield Recommendation(Code(busy.place, what), formula, expected, "medium", restart="service")
    if counts is None or not counts.opened:
        return
    wanted = min(MOST_ACCEPTORS, max(2, math.ceil((drops + counts.opened) / counts.opened)))
    formula = (
        f"({number(drops)} refused + {number(counts.opened)} accepted) ÷ {number(counts.opened)} accepted by one; "
        "refused clients try again, so this errs to the large side"
    )
    yield Recommendation(
        Workers(queue.service or queue.listener, 1, wanted),
        formula,
        "arrivals are accepted as they come; Recv-Q returns to 0",
        "medium",
        "processes do not share memory: check sessions and caches",
        "service",
    )


def _unknown(
    queue: ListenerQueue, acceptor: AcceptingThreadOf | None, gil: PythonGil | None
) -> Iterator[Unknown]:
    if acceptor is None:
        yield Unknown("what the accepting thread does", f"no stacks of pid {queue.pid} in this window")
    if gil is None or queue.pid not in gil.by_pid:
        yield Unknown("python.gil_contention", f"no samples of the GIL of pid {queue.pid} in this window")
