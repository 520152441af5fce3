"""A listener's accept queue overflows in bursts, and connections are refused.

Symptom: some clients wait 1, 3 or 7 seconds to connect (their SYN is sent again) or time out, while the service
looks idle and answers the others quickly.

Cause: finished handshakes wait in the listener's accept queue until the program calls accept(). Its length is
min(the backlog given to listen(), net.core.somaxconn at that moment). A burst that is larger than the queue loses
the rest, however quickly the program drains it afterwards.

Evidence: the listener's own drop counter and ListenOverflows rise in the window, the queue is caught above its limit
(Recv-Q > Send-Q in `ss -ltn`), and it is empty between bursts: so the acceptor keeps up. A queue that stays full is
app.acceptor_stalled instead, and a longer one would only hide it. Overflows of the whole namespace are blamed on a
listener without a counter of its own only when it was seen near its limit, or when it can be no other.

Recommendation: the backlog that the measured burst needs, and which of the two caps must be raised for it. A listener
takes a new cap only when it calls listen() again.

Source: Linux net/core/sock.c and include/net/sock.h (sk_acceptq_is_full: full is above the limit),
net/ipv4/tcp_input.c (tcp_conn_request counts ListenOverflows), listen(2), Documentation/admin-guide/sysctl/net.rst.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.backlog import backlog_for
from diagnose.correlate.overflows import LEAST_DROPS, Loss, losses, whose_is_open
from diagnose.correlate.rule import (
    Backlog,
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    Role,
    RuledOut,
    Subject,
    Sysctl,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.listen_caps import ListenCaps
from diagnose.correlate.signals.listen_counters import ListenCounters, ListenCounts
from diagnose.correlate.signals.listener_queues import ListenerQueue, ListenerQueues
from diagnose.correlate.signals.process_files import ProcessFiles
from diagnose.correlate.signals.python_gil import PythonGil
from diagnose.correlate.words import number, percent

EXPLAINS: tuple[str, ...] = ()

# connections in the window
CLEAR_DROPS = 100
# of readings; an acceptor that keeps up has an empty queue between bursts
IDLE_SHARE = 0.3
# of the limit of open files; accept() fails above it
FILES_SHARE = 0.9
# of time; a lock held less does not delay accept() (measured: 27 % in a healthy threaded server at 1,400 req/s)
GIL_SHARE = 0.7


def check(
    queues: ListenerQueues,
    counters: ListenCounters | None,
    caps: ListenCaps | None,
    files: ProcessFiles | None,
    gil: PythonGil | None,
) -> list[Verdict] | Unknown:
    """One verdict a listener that drops. Unknown when listeners overflowed and it cannot be told which."""
    by_netns = counters.by_netns if counters else {}
    verdicts = []
    for loss in losses(queues, by_netns):
        queue, counts = loss.queue, by_netns.get(loss.queue.netns)
        rate = loss.drops / queue.window_seconds
        verdicts.append(
            Verdict(
                subject=_subject(queue),
                headline=_headline(queue, rate, caps),
                impact=_impact(loss.drops, rate, counts),
                evidence=tuple(_evidence(loss, rate, counts)),
                ruled_out=tuple(_ruled_out(queue, counts, files, gil)),
                recommendations=tuple(_recommendations(queue, counts, caps)),
                will_not_help=tuple(_will_not_help(queue, caps)),
                unknown=tuple(_unknown(queue, files, caps)),
                explains=EXPLAINS,
            )
        )
    open_question = "" if verdicts else whose_is_open(queues, by_netns)
    return Unknown("which listener overflows", open_question) if open_question else verdicts


def _subject(queue: ListenerQueue) -> Subject:
    return Subject(queue.service, queue.pid, queue.listener, queue.netns)


def _headline(queue: ListenerQueue, rate: float, caps: ListenCaps | None) -> str:
    who = f"{_subject(queue).name} drops {number(rate)} connections/s"
    if caps and queue.limit < caps.somaxconn:
        return f"{who}: its listener on {queue.listener} asked for a backlog of {queue.limit}"
    return f"{who}: the accept queue of its listener on {queue.listener} holds {queue.limit}"


def _impact(drops: float, rate: float, counts: ListenCounts | None) -> Impact:
    text = f"{number(rate)} connections/s are refused; each client waits at least 1 s for its next try"
    if counts is None or counts.opened is None:
        return Impact(0.5, rate, "connections/s", f"{text}; how many were accepted is not known")
    share = drops / (drops + counts.opened)
    return Impact(share, rate, "connections/s", f"{text}; {percent(share)} of all attempts in the window")


def _evidence(loss: Loss, rate: float, counts: ListenCounts | None) -> Iterator[Evidence]:
    queue, drops = loss.queue, loss.drops
    clear = strength(drops, LEAST_DROPS, CLEAR_DROPS)
    labels = (("listener", queue.listener),)
    if queue.drops is not None:
        text = f"the listener dropped {number(drops)} connections in the window, {number(rate)}/s"
        yield Evidence(
            "supports", "decides", text, "listener_drops_total", rate, "1/s", 0, "inet_diag", clear, labels
        )
    if counts is not None:
        role: Role = "decides" if queue.drops is None else "separates"
        text = f"ListenOverflows rose by {number(counts.overflows)} in the same window"
        if queue.drops is None and drops < counts.overflows:
            text = f"{text}, of which {number(drops)} are of no listener that counts its own"
        metric = "netstat_TcpExt_ListenOverflows"
        value = counts.overflows / counts.seconds
        yield Evidence("supports", role, text, metric, value, "1/s", 0, "/proc/net/netstat", clear)
    else:
        text = "the namespace's ListenOverflows was not read, so a full SYN queue could drop them as well"
        yield Evidence("missing", "separates", text, "netstat_TcpExt_ListenOverflows")
    if queue.drops is None:
        role = "decides" if loss.others else "separates"
        yield Evidence("missing", role, _whose(loss.others), "listener_drops_total")
    yield _caught_full(queue)
    yield _drained(queue)


def _whose(others: tuple[ListenerQueue, ...]) -> str:
    text = "this listener's own drops were not counted"
    names = ", ".join(other.listener for other in others[:5])
    return f"{text}: {len(others)} more could be it ({names})" if others else f"{text}, but no other fits"


def _caught_full(queue: ListenerQueue) -> Evidence:
    metric, labels = "listener_accept_queue_length", (("listener", queue.listener),)
    threshold, source = float(queue.limit), "inet_diag: Recv-Q above Send-Q is full"
    if queue.full:
        text = f"the queue was caught full: {queue.peak} waiting at a limit of {queue.limit}"
        return Evidence(
            "supports", "decides", text, metric, queue.peak, "connections", threshold, source, 1.0, labels
        )
    text = f"no reading caught it full (highest {queue.peak} of {queue.limit}): a burst fits between two readings"
    return Evidence(
        "missing", "separates", text, metric, queue.peak, "connections", threshold, source, 1.0, labels
    )


def _drained(queue: ListenerQueue) -> Evidence:
    metric, labels = "listener_accept_queue_length", (("listener", queue.listener),)
    if queue.pinned:
        share = queue.recent_at_limit_share
        text = f"the queue stays at its limit ({percent(share)} of readings): that is no burst"
        return Evidence("contradicts", "separates", text, metric, share, "ratio", 0.5, "", 1.0, labels)
    share = queue.empty_share
    text = f"the queue was empty in {percent(share)} of {queue.readings} readings: the acceptor keeps up between bursts"
    if share >= IDLE_SHARE:
        clear = strength(share, IDLE_SHARE, 0.8)
        return Evidence("supports", "separates", text, metric, share, "ratio", IDLE_SHARE, "", clear, labels)
    text = f"the queue was empty in only {percent(share)} of {queue.readings} readings"
    return Evidence("contradicts", "corroborates", text, metric, share, "ratio", IDLE_SHARE, "", 1.0, labels)


def _ruled_out(
    queue: ListenerQueue, counts: ListenCounts | None, files: ProcessFiles | None, gil: PythonGil | None
) -> Iterator[RuledOut]:
    if not queue.pinned:
        share = percent(queue.empty_share)
        yield RuledOut("app.acceptor_stalled", f"the queue drains: it was empty in {share} of readings")
    if counts is not None and counts.overflows >= 0.9 * counts.drops:
        reason = f"ListenDrops ({number(counts.drops)}) moved no more than ListenOverflows"
        yield RuledOut("network.syn_queue_overflow", reason)
    mine = files.by_pid.get(queue.pid) if files and queue.pid else None
    if mine and mine.share < FILES_SHARE:
        reason = f"{mine.peak} files open of {mine.limit}: accept() does not fail for want of them"
        yield RuledOut("limits.process_fds", reason)
    lock = gil.by_pid.get(queue.pid) if gil and queue.pid else None
    if lock and lock.held < GIL_SHARE:
        yield RuledOut("python.gil_contention", f"the GIL is held {percent(lock.held)} of the time")


def _recommendations(
    queue: ListenerQueue, counts: ListenCounts | None, caps: ListenCaps | None
) -> Iterator[Recommendation]:
    proposed, formula = backlog_for(queue, counts, caps)
    if queue.pinned or proposed <= queue.limit:
        port = queue.listener.rpartition(":")[2]
        command = f"ss -ltnp 'sport = :{port}'; py-spy dump --pid {queue.pid}"
        purpose = "see what the accepting thread does while the queue (Recv-Q) stays full"
        inspect = Inspect(queue.listener, purpose, command)
        yield Recommendation(inspect, "the queue does not drain", "the function it is stuck in", "none")
        return
    expected = "no new ListenOverflows; clients connect at once during bursts"
    backlog = Backlog(queue.listener, queue.service, queue.limit, proposed)
    own = Recommendation(
        backlog, formula, expected, "low", "a longer queue can hide an acceptor that is too slow", "service"
    )
    if caps is None or proposed <= caps.somaxconn:
        yield own
        return
    sysctl = Sysctl("net.core.somaxconn", caps.somaxconn, proposed)
    kernel = Recommendation(
        sysctl, formula, "Send-Q shows the new limit once the service has restarted", "low", "", "service"
    )
    yield from (own, kernel) if queue.limit < caps.somaxconn else (kernel, own)


def _will_not_help(queue: ListenerQueue, caps: ListenCaps | None) -> Iterator[WillNotHelp]:
    if queue.pinned:
        yield WillNotHelp("a larger backlog", "the queue never drains: it would only fill later")
    if caps and queue.limit < caps.somaxconn:
        reason = f"the listener asked for {queue.limit}; the kernel would already allow {caps.somaxconn}"
        yield WillNotHelp("raise net.core.somaxconn alone", reason)
    reason = "it bounds half-open connections, and by default (tcp_syncookies=1) is not read at all"
    yield WillNotHelp("raise net.ipv4.tcp_max_syn_backlog", reason)


def _unknown(queue: ListenerQueue, files: ProcessFiles | None, caps: ListenCaps | None) -> Iterator[Unknown]:
    if files is None or queue.pid not in files.by_pid:
        yield Unknown("limits.process_fds", "the open files of the listener's process were not read")
    if caps is None:
        yield Unknown("which cap binds", "net.core.somaxconn is not known")
    elif queue.limit == caps.somaxconn:
        why = (
            f"Send-Q equals somaxconn ({caps.somaxconn}): the program may have asked for exactly that or for more "
            "(Go asks for somaxconn once, at listen)"
        )
        yield Unknown("which cap binds", why)
