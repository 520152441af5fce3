"""A listener's queue of half-open connections is full.

Symptom: with SYN cookies (the default) none that customers notice; without them nobody new gets in, while the accept
queue is empty and the service idle.

Cause: connections whose handshake is not finished wait in a queue that is as long as the accept queue. A flood from
addresses that never answer fills it, or a burst of real customers that are far away.

Evidence: TCPReqQFullDoCookies rises with cookies on; with cookies off TCPReqQFullDrop, or ListenDrops without
ListenOverflows (peers that never connected before are refused already at three quarters of the queue, which no
counter of its own tells). Cookies that never come back are a flood. A full accept queue
(network.accept_queue_overflow) moves ListenOverflows.

Recommendation: cookies stay on. Against a flood filter its sources, for a burst a longer backlog of the size
measured. tcp_max_syn_backlog is read only where tcp_syncookies is 0: by default raising it does nothing.

Source: Linux net/ipv4/tcp_input.c (tcp_conn_request, tcp_syn_flood_action), include/net/inet_connection_sock.h
(inet_csk_reqsk_queue_is_full), Documentation/networking/ip-sysctl.rst; measured: 2,050 drops with no overflow and 100
→ 0 requests/s without cookies, unchanged latency with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.rule import (
    Backlog,
    Evidence,
    Impact,
    Inspect,
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
from diagnose.correlate.signals.listener_queues import ListenerQueue, ListenerQueues
from diagnose.correlate.signals.syn_settings import SynSettings
from diagnose.correlate.signals.tcp_counters import Counted, TcpCounters
from diagnose.correlate.signals.traffic import Traffic
from diagnose.correlate.words import number, percent

EXPLAINS = ("network.packet_loss",)

# SYNs in half a minute
LEAST, CLEAR = 20.0, 300.0
# of those; a full accept queue makes its SYN queue overflow too, and is the cause then
OVERFLOWS_SHARE = 0.1
# of cookies sent; customers send theirs back, a flood does not
FLOOD_SHARE = 0.1
# of the queue; an unproven peer is refused from there on where cookies are off
NEAR_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class _Case:
    """One network namespace; `queue` the listener with most half-open connections, `half_open` how many."""

    counted: Counted
    queue: ListenerQueue | None
    half_open: float | None
    settings: SynSettings | None

    @property
    def dropped(self) -> float:
        """SYNs that were thrown away, the accept queue's not among them."""
        return max(0.0, self.counted.of("ListenDrops") - self.counted.of("ListenOverflows"))

    @property
    def with_cookie(self) -> float:
        return self.counted.of("TCPReqQFullDoCookies")

    @property
    def near_limit(self) -> bool:
        return bool(self.queue and self.half_open and self.half_open >= NEAR_SHARE * self.queue.limit)

    @property
    def holds(self) -> bool:
        full = self.dropped if self.counted.of("TCPReqQFullDrop") or self.near_limit else 0.0
        most = max(self.with_cookie, full)
        return most >= LEAST and self.counted.of("ListenOverflows") < OVERFLOWS_SHARE * most

    @property
    def returned(self) -> float | None:
        """Share of the cookies that came back; None where none were sent."""
        sent = self.counted.of("SyncookiesSent")
        return min(1.0, self.counted.of("SyncookiesRecv") / sent) if sent else None

    @property
    def flood(self) -> bool:
        return self.returned is None or self.returned < FLOOD_SHARE


def check(
    counters: TcpCounters,
    queues: ListenerQueues | None,
    traffic: Traffic | None,
    settings: SynSettings | None,
) -> list[Verdict]:
    """One verdict a network namespace."""
    cases = (
        _Case(counted, *_fullest(netns, queues, traffic), settings if not netns else None)
        for netns, counted in counters.by_netns.items()
    )
    return [_verdict(case) for case in cases if case.holds]


def _fullest(
    netns: str, queues: ListenerQueues | None, traffic: Traffic | None
) -> tuple[ListenerQueue | None, float | None]:
    half_open = {
        name: group.states.get("syn_recv", 0.0)
        for (name, inside), group in (traffic.listeners if traffic else {}).items()
        if inside == netns
    }
    mine = [queue for queue in queues.queues if queue.netns == netns] if queues else []
    if not mine:
        return None, None
    worst = max(mine, key=lambda queue: half_open.get(queue.listener, 0.0) / max(queue.limit, 1))
    return (worst, half_open[worst.listener]) if half_open.get(worst.listener) else (None, None)


def _verdict(case: _Case) -> Verdict:
    queue = case.queue
    subject = Subject(
        queue.service if queue else "",
        queue.pid if queue else None,
        queue.listener if queue else "",
        case.counted.netns,
    )
    return Verdict(
        subject=subject,
        headline=_headline(case, subject),
        impact=_impact(case),
        evidence=tuple(_evidence(case)),
        ruled_out=tuple(_ruled_out(case)),
        recommendations=tuple(_recommendations(case)),
        will_not_help=tuple(_will_not_help(case)),
        unknown=()
        if queue
        else (Unknown("which listener", "no listener's half-open connections were caught near its limit"),),
        explains=EXPLAINS,
    )


def _headline(case: _Case, subject: Subject) -> str:
    where = f" of {subject.name} on {subject.listener}" if case.queue else ""
    rate = max(case.with_cookie, case.dropped) / case.counted.seconds
    kind = "a flood of SYNs that nobody finishes" if case.flood else "a burst of handshakes"
    answer = (
        "answered with cookies" if case.with_cookie >= case.dropped else "thrown away: nobody new gets in"
    )
    return f"{kind} fills the SYN queue{where}: {number(rate)} SYNs/s {answer}"


def _impact(case: _Case) -> Impact:
    rate = max(case.with_cookie, case.dropped) / case.counted.seconds
    if case.dropped < case.with_cookie:
        text = "customers still get in by cookies, which lose window scaling where timestamps are off"
        return Impact(0.05, rate, "SYNs/s", text)
    text = "most who try to connect are refused and try again after 1, 3 and 7 s"
    return Impact(0.8, rate, "SYNs/s", text)


def _evidence(case: _Case) -> Iterator[Evidence]:
    counted, source = case.counted, "/proc/net/netstat"
    labels = counted.labels
    if case.with_cookie >= LEAST:
        value, metric = case.with_cookie, "netstat_TcpExt_TCPReqQFullDoCookies"
        text = f"the SYN queue was full {number(value)} times, answered with cookies (TCPReqQFullDoCookies)"
    else:
        value, metric = case.dropped, "netstat_TcpExt_ListenDrops"
        text = f"{number(value)} SYNs were dropped (ListenDrops) that no accept queue refused"
    clear = strength(value, LEAST, CLEAR)
    yield Evidence("supports", "decides", text, metric, value, "SYNs", LEAST, source, clear, labels)
    overflows = counted.of("ListenOverflows")
    text = f"ListenOverflows rose by {number(overflows)}: accept queues had room"
    metric = "netstat_TcpExt_ListenOverflows"
    yield Evidence("supports", "separates", text, metric, overflows, "connections", None, source, 1.0, labels)
    if case.queue is None or case.half_open is None:
        yield Evidence(
            "missing", "corroborates", "no listener's half-open connections were read", "tcp_connections"
        )
    else:
        text = f"{number(case.half_open)} connections are half open, of {case.queue.limit} at {case.queue.listener}"
        kind, limit = supports_if(case.near_limit), case.queue.limit
        where = (("listener", case.queue.listener), ("state", "syn_recv"))
        yield Evidence(
            kind,
            "separates",
            text,
            "tcp_connections",
            case.half_open,
            "connections",
            limit,
            "inet_diag",
            1.0,
            where,
        )
    if case.returned is not None:
        text = f"{percent(case.returned)} of the cookies came back: {'a flood' if case.flood else 'real customers'}"
        metric = "netstat_TcpExt_SyncookiesRecv"
        yield Evidence("supports", "corroborates", text, metric, case.returned, "ratio", FLOOD_SHARE, source)


def _ruled_out(case: _Case) -> Iterator[RuledOut]:
    overflows = number(case.counted.of("ListenOverflows"))
    yield RuledOut("network.accept_queue_overflow", f"ListenOverflows rose by {overflows} only")
    if case.queue and not case.queue.full:
        reason = f"the accept queue held {case.queue.peak} of {case.queue.limit} at most"
        yield RuledOut("app.acceptor_stalled", reason)


def _recommendations(case: _Case) -> Iterator[Recommendation]:
    settings = case.settings
    if settings and settings.cookies == 0:
        formula = f"{number(case.dropped)} SYNs dropped for want of room, which a cookie does not need"
        change = Sysctl("net.ipv4.tcp_syncookies", 0, 1)
        yield Recommendation(change, formula, "customers get in again at once", "none")
    port = case.queue.listener.rpartition(":")[2] if case.queue else ""
    if case.flood:
        only = f" 'sport = :{port}'" if port else ""
        prefixes = "awk '{print $4}' | cut -d. -f1-2 | sort | uniq -c | sort -rn | head"
        command = f"ss -Htn state syn-recv{only} | {prefixes}"
        purpose = "see which prefixes the SYNs come from, and drop those in front of this host"
        inspect = Inspect("sources of the flood", purpose, command)
        yield Recommendation(
            inspect, "cookies that never come back", "a few prefixes, or forged ones", "none"
        )
    elif case.queue:
        arrived = max(case.with_cookie, case.dropped) / case.counted.seconds
        proposed = 1 << (int(case.queue.limit + arrived) - 1).bit_length()
        change_backlog = Backlog(case.queue.listener, case.queue.service, case.queue.limit, proposed)
        formula = (
            f"{case.queue.limit} + {number(arrived)} handshakes/s beyond it, rounded up to a power of two"
        )
        yield Recommendation(
            change_backlog, formula, "TCPReqQFullDoCookies stands still", "low", "", "service"
        )


def _will_not_help(case: _Case) -> Iterator[WillNotHelp]:
    if case.settings is None or case.settings.cookies:
        reason = "it is read only where tcp_syncookies is 0; by default the backlog bounds the SYN queue"
        yield WillNotHelp("raise net.ipv4.tcp_max_syn_backlog", reason)
    if case.flood:
        yield WillNotHelp("a larger backlog", "a flood fills any queue")
    yield WillNotHelp("switch SYN cookies off", "nobody new would get in while the queue is full")
