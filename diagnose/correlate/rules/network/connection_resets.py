"""Connections are refused or broken off.

Symptom: "Connection refused" or "Connection reset by peer" in the logs of clients.

Cause: nobody listens at the address that clients use; or a program ends connections with data unread, with SO_LINGER
0 or by dying, and its kernel answers with RST.

Evidence: AttemptFails against the connections that were tried, with the destination that refuses (eBPF); or
EstabResets against the connections that were opened. They must go on for a while: a restart refuses for a moment, a
port scan makes resets go out (OutRsts) without either, and a failed health check a second is no share of the traffic.

Recommendation: start what should listen, or take its address out of the clients' list; find why the program breaks
off. No kernel setting is the cause.

Source: RFC 9293 (3.5.2, reset generation), Linux net/ipv4/tcp.c (tcp_set_state, tcp_close with unread data), tcp(7).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.connect_failures import ConnectFailures
from diagnose.correlate.signals.tcp_counters import Counted, TcpCounters
from diagnose.correlate.words import duration, number, percent

EXPLAINS: tuple[str, ...] = ()

# connections in half a minute
LEAST = 20.0
# of those that were tried, or opened
SHARE, CLEAR_SHARE = 0.25, 0.8
# s; longer than a service takes to restart
LASTING_SECONDS = 15.0
# of refusals, for it to be one destination's, and of incoming connections, for the listener to be named
MOSTLY = 0.6


@dataclass(frozen=True, slots=True)
class _Case:
    """Of one network namespace: `count` of `tried` failed; `where` they did, '' when it is not known."""

    counted: Counted
    refused: bool
    count: float
    tried: float
    where: str

    @property
    def share(self) -> float:
        return min(1.0, self.count / self.tried) if self.tried else 0.0

    @property
    def key(self) -> str:
        return "AttemptFails" if self.refused else "EstabResets"

    @property
    def holds(self) -> bool:
        lasting = self.counted.lasting_seconds(self.key) >= LASTING_SECONDS
        return self.count >= LEAST and self.share >= SHARE and lasting


def check(counters: TcpCounters, failures: ConnectFailures | None) -> list[Verdict]:
    """One verdict a network namespace and kind."""
    cases = [case for counted in counters.by_netns.values() for case in _cases(counted, failures)]
    return [_verdict(case, failures) for case in cases if case.holds]


def _cases(counted: Counted, failures: ConnectFailures | None) -> Iterator[_Case]:
    to, share = failures.refused(counted.netns) if failures else ("", 0.0)
    if not to or share >= MOSTLY:  # instances that restart in turn refuse in turn
        yield _Case(counted, True, counted.of("AttemptFails"), counted.of("ActiveOpens"), to)
    at, share = failures.busiest_listener(counted.netns) if failures else ("", 0.0)
    opened = counted.of("PassiveOpens") + counted.of("ActiveOpens") - counted.of("AttemptFails")
    yield _Case(counted, False, counted.of("EstabResets"), opened, at if share >= MOSTLY else "")


def _verdict(case: _Case, failures: ConnectFailures | None) -> Verdict:
    netns = case.counted.netns
    service = failures.listened.get((netns, case.where), "") if failures else ""
    subject = (
        Subject(service, netns=netns, destination=case.where)
        if case.refused
        else Subject(listener=case.where, netns=netns)
    )
    rate = case.count / case.counted.seconds
    if case.refused:
        headline = (
            f"{number(rate)} connections/s are refused by {case.where or 'a peer'}: nobody listens there"
        )
    else:
        at = f", most of them at {case.where}" if case.where else ""
        headline = f"{number(rate)} connections/s are broken off (RST) after they were established{at}"
    text = f"{percent(case.share)} of the connections that were {'tried' if case.refused else 'opened'}"
    return Verdict(
        subject=subject,
        headline=headline,
        impact=Impact(0.7 * case.share, rate, "connections/s", text),
        evidence=tuple(_evidence(case, failures)),
        ruled_out=tuple(_ruled_out(case)),
        recommendations=tuple(_recommendations(case)),
        will_not_help=(
            WillNotHelp("raise the backlog or somaxconn", "a full queue drops, it does not reset"),
            WillNotHelp(
                "net.ipv4.tcp_retries*", "a reset ends the connection at once: nothing is sent again"
            ),
        ),
        unknown=() if case.where else (Unknown("which address", "eBPF did not tell of one"),),
        explains=EXPLAINS,
    )


def _evidence(case: _Case, failures: ConnectFailures | None) -> Iterator[Evidence]:
    metric, labels = f"netstat_Tcp_{case.key}", case.counted.labels
    text = (
        f"{case.key} rose by {number(case.count)} in {duration(case.counted.seconds)}: {percent(case.share)} of "
        f"{number(case.tried)} {'tried' if case.refused else 'opened'}"
    )
    clear = strength(case.share, SHARE, CLEAR_SHARE)
    yield Evidence(
        "supports", "decides", text, metric, case.share, "ratio", SHARE, "/proc/net/snmp", clear, labels
    )
    span = case.counted.lasting_seconds(case.key)
    text = f"it has been going on for {duration(span)}: longer than a restart"
    yield Evidence("supports", "separates", text, metric, span, "s", LASTING_SECONDS, "", 1.0, labels)
    if failures is None:
        yield Evidence("missing", "separates", "where was not counted (eBPF)", "tcp_connect_failures_total")
    elif case.where:
        said = (
            f"{case.where} refuses (ECONNREFUSED)"
            if case.refused
            else f"most connections come in at {case.where}"
        )
        metric = "tcp_connect_failures_total" if case.refused else "tcp_incoming_connections_total"
        label = "dst" if case.refused else "listener"
        where = ((label, case.where), *labels)
        yield Evidence(
            "supports", "separates" if case.refused else "corroborates", said, metric, labels=where
        )


def _ruled_out(case: _Case) -> Iterator[RuledOut]:
    overflows = case.counted.of("ListenOverflows")
    if not overflows:
        yield RuledOut("network.accept_queue_overflow", "ListenOverflows stands still")
    timeouts = case.counted.of("TCPAbortOnTimeout")
    if timeouts < case.count:
        yield RuledOut("network.packet_loss", f"the peer answers, with a reset; {number(timeouts)} timeouts")


def _recommendations(case: _Case) -> Iterator[Recommendation]:
    if case.refused:
        port = case.where.rpartition(":")[2] or "PORT"
        command = f"ss -ltnp 'sport = :{port}'; systemctl --failed"
        inspect = Inspect(
            case.where or "the destination", "see, on that host, whether anybody listens", command
        )
        yield Recommendation(
            inspect, f"{number(case.count)} refused", "nobody does: it ended or moved", "none"
        )
        what = "start it, or take its address out of the clients' list; let clients wait longer between tries"
        yield Recommendation(
            Code(f"the service at {case.where or 'that address'}", what), "", "no refusals", "low"
        )
        return
    command = "ss -Htni state established | head; journalctl -p err --since -5min"
    purpose = "see which program ends them: its log, its crashes, its timeouts"
    yield Recommendation(
        Inspect(case.where or "this host", purpose, command), "", "the reason it ends them", "none"
    )
    what = "read what has come before closing, and close without SO_LINGER 0"
    formula = f"{percent(case.share)} of the connections end so"
    yield Recommendation(
        Code(f"the program behind {case.where or 'the listener'}", what), formula, "no resets", "low"
    )
