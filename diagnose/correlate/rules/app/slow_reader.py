"""A process reads its connections more slowly than data comes: the sender has to wait.

Symptom: a transfer or a stream stalls; the sender's queue grows, its writes block or time out.

Cause: the reading thread works on what it has read, waits for something else, or takes a little at a time and rests.
Its receive buffer is full, so the window it offers is closed most of the time.

Evidence: received bytes that stay unread in every reading of the connection's queue, windows that go to zero, and,
where the sender is on this host too, its time spent waiting for the window. A receive buffer that is too small for
the path (network.receive_window_limited) looks the same to the sender, but is empty.

Recommendation: read in a thread of its own or in larger pieces, and do the work elsewhere. A larger buffer fills as
well.

Source: tcp(7), RFC 9293 (3.8.6, window management), Linux net/ipv4/tcp_output.c (tcp_select_window); measured: 325 kB
unread and 99 % of the sender's time limited, against an empty queue behind a small buffer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.limits_of_transfer import (
    CLEAR_UNREAD,
    LATE_ACKS,
    UNREAD,
    WINDOW_LIMITED,
    Held,
    held_back,
    owner,
    unread,
)
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    Role,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.listener_queues import ListenerQueues
from diagnose.correlate.signals.process_cpu import ProcessCpu
from diagnose.correlate.signals.tcp_counters import Counted, TcpCounters
from diagnose.correlate.signals.traffic import Group, Traffic
from diagnose.correlate.words import number, percent

EXPLAINS = ("network.receive_window_limited", "network.send_buffer_limited")

# windows that went to zero in half a minute; a reader that is late once closes it once
ZERO_WINDOWS, CLEAR_ZERO_WINDOWS = 3.0, 20.0


@dataclass(frozen=True, slots=True)
class _Case:
    """`reader`: the group of connections that are not read, on this host; None: only the sender is. `service` and `pid`
    are the reader's."""

    reader: Group | None
    held: Held | None
    counted: Counted | None
    service: str = ""
    pid: int | None = None

    @property
    def zero_windows(self) -> float | None:
        return self.counted.of("TCPToZeroWindowAdv") if self.counted else None


def check(
    traffic: Traffic, counters: TcpCounters | None, queues: ListenerQueues | None, cpu: ProcessCpu | None
) -> list[Verdict]:
    """One verdict a reader on this host, or a destination that reads slowly elsewhere."""
    return [_verdict(case, cpu) for case in _cases(traffic, counters, queues)]


def _cases(traffic: Traffic, counters: TcpCounters | None, queues: ListenerQueues | None) -> Iterator[_Case]:
    by_netns = counters.by_netns if counters else {}
    held = {id(each.receiver): each for each in held_back(traffic) if each.receiver}
    for group in (*traffic.listeners.values(), *traffic.destinations.values()):
        case = _Case(group, held.get(id(group)), by_netns.get(group.netns), *owner(group, queues))
        closed = case.zero_windows is None or case.zero_windows >= ZERO_WINDOWS
        if unread(group) >= UNREAD and (closed or case.held):
            yield case
    for each in held_back(traffic):
        if each.receiver is None and each.reader_is_slow:
            yield _Case(None, each, by_netns.get(each.sender.netns))


def _verdict(case: _Case, cpu: ProcessCpu | None) -> Verdict:
    group = case.reader or (case.held.sender if case.held else None)
    assert group is not None
    listens = case.reader is not None and group.side == "listener"
    subject = Subject(
        case.service,
        case.pid,
        group.name if listens else "",
        group.netns,
        "" if listens else group.name,
    )
    who = (
        subject.name
        if listens
        else f"the reader of connections to {group.name}"
        if case.reader
        else group.name
    )
    waiting = group.last("tcp_receive_queue_bytes") or 0.0
    unread_text = (
        f"{number(waiting / 1e3)} kB wait unread" if case.reader else "its window is closed most of the time"
    )
    share = case.held.sender.window_limited if case.held else 0.5
    text = f"whoever sends waits {percent(share)} of the time" if case.held else "whoever sends has to wait"
    return Verdict(
        subject=subject,
        headline=f"{who} reads too slowly{f' on {group.name}' if listens else ''}: {unread_text}",
        impact=Impact(0.6 * share, waiting, "B", text),
        evidence=tuple(_evidence(case)),
        ruled_out=(
            RuledOut("network.receive_window_limited", "the buffer is full: a larger one would fill as well")
            if case.reader
            else RuledOut("network.packet_loss", f"{percent(group.loss)} of the segments were sent again"),
        ),
        recommendations=tuple(_recommendations(case, group, cpu)),
        will_not_help=(
            WillNotHelp(
                "a larger receive buffer (tcp_rmem, SO_RCVBUF)", "it fills, too; data only gets older"
            ),
            WillNotHelp("another congestion control", "the sender waits for the receiver, not for the path"),
        ),
        unknown=() if case.pid else (Unknown("which process reads", "connections are told by address only"),),
        explains=EXPLAINS,
    )


def _evidence(case: _Case) -> Iterator[Evidence]:
    if case.reader is not None:
        used, metric = unread(case.reader), "tcp_receive_buffer_used_ratio"
        text = f"its receive buffer was at least {percent(used)} full in the last readings"
        clear = strength(used, UNREAD, CLEAR_UNREAD)
        labels = case.reader.labels
        yield Evidence("supports", "decides", text, metric, used, "ratio", UNREAD, "inet_diag", clear, labels)
    if case.zero_windows is None:
        yield Evidence(
            "missing", "separates", "windows were not counted", "netstat_TcpExt_TCPToZeroWindowAdv"
        )
    elif case.reader is not None:
        closed = case.zero_windows
        text, metric = f"{number(closed)} windows went to zero", "netstat_TcpExt_TCPToZeroWindowAdv"
        kind = supports_if(closed >= ZERO_WINDOWS)
        clear = strength(closed, ZERO_WINDOWS, CLEAR_ZERO_WINDOWS)
        yield Evidence(kind, "separates", text, metric, closed, "", ZERO_WINDOWS, "/proc/net/netstat", clear)
    if case.held is not None:
        sender = case.held.sender
        text = f"the sender waited for the window in {percent(sender.window_limited)} of its busy time"
        metric = "tcp_receive_window_limited_seconds_total"
        role: Role = "separates" if case.reader else "decides"
        clear = strength(sender.window_limited, WINDOW_LIMITED, 0.8)
        value, labels = sender.window_limited, sender.labels
        yield Evidence(
            "supports", role, text, metric, value, "ratio", WINDOW_LIMITED, "tcp_info", clear, labels
        )
        yield from _late(sender)


def _late(sender: Group) -> Iterator[Evidence]:
    queueing = sender.queueing
    if queueing is not None and queueing >= LATE_ACKS:
        text = f"acknowledgements take {number(round(queueing, 1))} times the least round trip: they come when it reads"
        metric = "tcp_rtt_median_seconds"
        labels = sender.labels
        yield Evidence(
            "supports", "separates", text, metric, queueing, "", LATE_ACKS, "tcp_info", 1.0, labels
        )


def _recommendations(case: _Case, group: Group, cpu: ProcessCpu | None) -> Iterator[Recommendation]:
    process = cpu.by_pid.get(case.pid) if cpu and case.pid else None
    if process is not None:
        busy = f"its process uses {number(round(process.cores, 2))} cores"
    else:
        busy = "its CPU time is not known"
    where = f"{case.service or 'the program'}: the code that reads {group.name}"
    what = "read in larger pieces, in a thread or task of its own, and work on what was read elsewhere"
    expected = "Recv-Q returns to 0; the sender no longer waits"
    yield Recommendation(Code(where, what), busy, expected, "medium", restart="service")
    port = group.name.rpartition(":")[2]
    command = f"ss -tnpmi '( sport = :{port} or dport = :{port} )'"
    purpose = "see the connections whose Recv-Q stays, with their process"
    yield Recommendation(
        Inspect(group.name, purpose, command), "bytes that stay unread", "the process", "none"
    )
