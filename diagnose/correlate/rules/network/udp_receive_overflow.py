"""Datagrams are dropped because the buffer of a UDP socket is full.

Symptom: gaps in what is received (metrics, logs, media, DNS answers), and nobody is told: UDP does not send again.

Cause: either the reader is slower than what comes in, and its buffer is full all the time, or it keeps up on average
and a burst is larger than the buffer.

Evidence: the socket's own drop counter, or RcvbufErrors and the one socket that is full; the share of the buffer in
use tells a slow reader (full in every reading) from a burst (empty in between). Checksum errors are another loss.

Recommendation: for a burst a receive buffer of the size measured (SO_RCVBUF, up to rmem_max); for a slow reader less
work for each datagram, more readers, recvmmsg(). A larger buffer only makes a slow reader's data older.

Source: Linux net/ipv4/udp.c (__udp_enqueue_schedule_skb), socket(7), udp(7); measured: slow reader, buffer full all
the time and 2,532 drops; burst, 4,635 drops with an idle reader; none after either remedy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Sysctl,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.process_cpu import Process, ProcessCpu
from diagnose.correlate.signals.tcp_counters import Counted, TcpCounters
from diagnose.correlate.signals.udp_sockets import UdpSocket, UdpSockets
from diagnose.correlate.words import number, percent

EXPLAINS: tuple[str, ...] = ()

# datagrams in half a minute
LEAST, CLEAR = 20.0, 500.0
# of the buffer; drops begin at 1, a reader that keeps up empties it between bursts
FULL = 0.7
# cores
BUSY_CORES = 0.7
# bytes; more than this hides a slow reader for seconds
MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class _Case:
    """`drops` of the socket, or those of its namespace where the socket's own are not counted yet."""

    socket: UdpSocket
    drops: float
    counted: Counted | None
    process: Process | None

    @property
    def slow_reader(self) -> bool:
        """Full in every reading; one that works all the time is slow by that alone."""
        return bool(self.socket.used) and min(self.socket.used) >= FULL


def check(sockets: UdpSockets, counters: TcpCounters | None, cpu: ProcessCpu | None) -> list[Verdict]:
    """One verdict a socket that drops."""
    by_netns = counters.by_netns if counters else {}
    cases = []
    for each in sockets.sockets:
        drops = _drops(each, sockets.sockets, by_netns.get(each.netns))
        process = cpu.by_pid.get(each.pid) if cpu and each.pid else None
        if drops >= LEAST:
            cases.append(_Case(each, drops, by_netns.get(each.netns), process))
    return [_verdict(case, sockets) for case in cases]


def _drops(one: UdpSocket, every: tuple[UdpSocket, ...], counted: Counted | None) -> float:
    """Before a socket's own counter rose for the first time, the namespace's are those of the only one that is full."""
    if one.drops is not None:
        return one.drops
    full = [each for each in every if each.netns == one.netns and each.used[-1] >= FULL]
    return counted.of("RcvbufErrors") if counted and full == [one] else 0.0


def _verdict(case: _Case, sockets: UdpSockets) -> Verdict:
    socket = case.socket
    subject = Subject(socket.service, socket.pid, socket.listener, socket.netns)
    rate = case.drops / 30.0
    why = "its reader is too slow" if case.slow_reader else "bursts are larger than its buffer"
    received = case.counted.of("InDatagrams") if case.counted else 0.0
    share = case.drops / (case.drops + received)
    return Verdict(
        subject=subject,
        headline=f"{subject.name} loses {number(rate)} datagrams/s on {socket.listener}: {why}",
        impact=Impact(
            share,
            rate,
            "datagrams/s",
            f"{number(rate)} datagrams/s are lost for good, {percent(share)} of what arrives",
        ),
        evidence=tuple(_evidence(case)),
        ruled_out=tuple(_ruled_out(case)),
        recommendations=tuple(_recommendations(case, sockets)),
        will_not_help=tuple(_will_not_help(case)),
        unknown=()
        if sockets.most_bytes
        else (Unknown("the bound of SO_RCVBUF", "net.core.rmem_max is not known"),),
        explains=EXPLAINS,
    )


def _evidence(case: _Case) -> Iterator[Evidence]:
    labels = (("listener", case.socket.listener),)
    own = case.socket.drops is not None
    whose = "the socket dropped" if own else "its namespace's only full socket: RcvbufErrors rose by"
    text = f"{whose} {number(case.drops)} datagrams in half a minute"
    metric = "udp_socket_drops_total" if own else "netstat_Udp_RcvbufErrors"
    clear = strength(case.drops, LEAST, CLEAR)
    source = "inet_diag" if own else "/proc/net/snmp"
    yield Evidence(
        "supports",
        "decides",
        text,
        metric,
        case.drops,
        "datagrams",
        LEAST,
        source,
        clear,
        labels if own else (),
    )
    used, metric = case.socket.used, "udp_socket_receive_buffer_used_ratio"
    if case.slow_reader:
        text = (
            f"its buffer was at least {percent(min(used))} full in all {len(used)} readings: the reader lags"
        )
    else:
        text = f"its buffer was {percent(min(used))} full at the least: the reader catches up between bursts"
    yield Evidence("supports", "separates", text, metric, min(used), "ratio", FULL, "inet_diag", 1.0, labels)
    if case.counted is None:
        yield Evidence(
            "missing", "corroborates", "the stack's counters were not read", "netstat_Udp_RcvbufErrors"
        )
    else:
        wrong = case.counted.of("InCsumErrors")
        text = f"{number(wrong)} checksum errors: what is lost is lost in the buffer"
        kind = supports_if(wrong < case.drops)
        yield Evidence(kind, "corroborates", text, "netstat_Udp_InCsumErrors", wrong, "datagrams")


def _ruled_out(case: _Case) -> Iterator[RuledOut]:
    if case.process and not case.slow_reader:
        yield RuledOut("app.slow_reader", f"its process uses {number(round(case.process.cores, 2))} cores")
    yield RuledOut("network.backlog_drops", "these were delivered to the socket and dropped there")


def _recommendations(case: _Case, sockets: UdpSockets) -> Iterator[Recommendation]:
    if case.slow_reader:
        busy = case.process is not None and case.process.cores >= BUSY_CORES
        what = "more sockets on the port (SO_REUSEPORT) with a process each; recvmmsg() to take many at once"
        if busy:
            what = f"less work for each datagram (a queue and other threads or processes); {what}"
        cores = (
            f"{number(round(case.process.cores, 2))} cores used"
            if case.process
            else "its CPU time is not known"
        )
        where = f"{case.socket.service or case.socket.pid}: the loop that reads {case.socket.listener}"
        yield Recommendation(
            Code(where, what), cores, "the buffer is empty between readings", "medium", restart="service"
        )
        return
    received = case.counted.of("InDatagrams") if case.counted else 0.0
    now = sockets.default_bytes
    if not now or not received:
        return
    proposed = min(MOST_BYTES, 1 << (int(now * (case.drops + received) / received) - 1).bit_length())
    formula = (
        f"{number(now)} B × ({number(case.drops)} dropped + {number(received)} received) ÷ {number(received)}, "
        "rounded up to a power of two"
    )
    where = f"{case.socket.service or case.socket.pid}: the socket on {case.socket.listener}"
    what = f"setsockopt(SO_RCVBUF, {proposed // 2}): the kernel doubles it"
    if sockets.most_bytes and proposed // 2 > sockets.most_bytes:
        change = Sysctl("net.core.rmem_max", sockets.most_bytes, proposed)
        yield Recommendation(
            change, formula, "lets SO_RCVBUF ask for as much", "low", "memory for each socket that asks"
        )
    expected = "no drops in bursts of this size"
    yield Recommendation(Code(where, what), formula, expected, "low", restart="service")


def _will_not_help(case: _Case) -> Iterator[WillNotHelp]:
    yield WillNotHelp(
        "raise net.core.rmem_max alone", "it only lets SO_RCVBUF ask for more; nobody gets more by it"
    )
    yield WillNotHelp("raise net.core.netdev_max_backlog", "the datagrams reached the socket")
    if case.slow_reader:
        yield WillNotHelp(
            "a larger buffer", "the reader lags all the time: it would fill as well, with older data"
        )
