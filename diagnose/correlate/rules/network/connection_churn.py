"""Clients open a new connection for every request.

Symptom: more latency than the service itself takes, handshakes (with TLS the better part of the CPU time), and ports
and TIME_WAIT by the thousands.

Cause: keep-alive is off on one side, its idle timeout is shorter than the pause between requests, or a client has no
pool.

Evidence: connections that come in by the hundreds a second from one network, while hardly any are open: each lives
for a moment. Many different clients that come once each have to open connections; those are no churn.

Recommendation: keep-alive on client and server, with the client's idle timeout below the server's; a pool in the
client; session resumption where TLS has to be set up anew.

Source: RFC 9112 (9.3, persistence), nginx ngx_http_upstream_module (keepalive); measured: with TLS 122,166 requests/s
on kept connections and 1,722 without.
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
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.incoming import Arrivals, Incoming
from diagnose.correlate.signals.listener_queues import ListenerQueues
from diagnose.correlate.signals.traffic import Group, Traffic
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "network.ephemeral_port_exhaustion",
    "network.time_wait_overflow",
    "network.tls_full_handshakes",
)

# connections a second at one listener; fewer cost neither CPU nor ports that anybody would miss (60 s × 150 are a third
# of the local ports)
RATE, CLEAR_RATE = 150.0, 600.0
# s; a burst is over sooner
LASTING_SECONDS = 15.0
# s that a connection lives, by Little's law
SHORT_SECONDS = 1.0
# of the connections, from one network
ONE_SOURCE = 0.7


@dataclass(frozen=True, slots=True)
class _Case:
    arrivals: Arrivals
    group: Group
    service: str
    pid: int | None

    @property
    def lifetime_seconds(self) -> float:
        return self.group.states.get("established", 0.0) / self.arrivals.per_second

    @property
    def holds(self) -> bool:
        often = self.arrivals.per_second >= RATE and self.arrivals.lasting_seconds >= LASTING_SECONDS
        share = self.arrivals.source_share
        return often and (share is None or share >= ONE_SOURCE) and self.lifetime_seconds <= SHORT_SECONDS


def check(incoming: Incoming, traffic: Traffic, queues: ListenerQueues | None) -> list[Verdict]:
    """One verdict a listener."""
    cases = (
        _Case(arrivals, traffic.listeners[key], *_owner(key, queues))
        for key, arrivals in incoming.listeners.items()
        if key in traffic.listeners and arrivals.per_second >= RATE
    )
    return [_verdict(case) for case in cases if case.holds]


def _owner(key: tuple[str, str], queues: ListenerQueues | None) -> tuple[str, int | None]:
    mine = (queue for queue in queues.queues if (queue.listener, queue.netns) == key) if queues else ()
    return next(((queue.service, queue.pid) for queue in mine), ("", None))


def _verdict(case: _Case) -> Verdict:
    rate, name = case.arrivals.per_second, case.arrivals.listener
    subject = Subject(case.service, case.pid, name, case.arrivals.netns)
    source = f" from {case.arrivals.source}" if case.arrivals.source else ""
    text = f"{number(rate)} handshakes/s, each a round trip more (two or three with TLS) for one request"
    return Verdict(
        subject=subject,
        headline=f"{number(rate)} connections/s{source} come to {subject.name} on {name} and live for a moment each",
        impact=Impact(0.15, rate, "connections/s", text),
        evidence=tuple(_evidence(case)),
        ruled_out=(
            RuledOut(
                "app.connection_surge", f"it has gone on for {number(round(case.arrivals.lasting_seconds))} s"
            ),
        ),
        recommendations=tuple(_recommendations(case)),
        will_not_help=(
            WillNotHelp("a larger backlog", "the connections are accepted; there are too many of them"),
            WillNotHelp("net.ipv4.tcp_fin_timeout", "it ends FIN_WAIT_2; TIME_WAIT stays at 60 s"),
        ),
        unknown=(Unknown("requests by connection", "what goes over them is not counted by connection"),),
        explains=EXPLAINS,
    )


def _evidence(case: _Case) -> Iterator[Evidence]:
    arrivals, labels = case.arrivals, (("listener", case.arrivals.listener),)
    text = f"{number(arrivals.per_second)} connections come in each second"
    clear, metric = strength(arrivals.per_second, RATE, CLEAR_RATE), "tcp_incoming_connections_total"
    yield Evidence(
        "supports", "decides", text, metric, arrivals.per_second, "1/s", RATE, "eBPF", clear, labels
    )
    life = case.lifetime_seconds
    stay = number(round(1000 * life))
    text = f"{number(case.group.states.get('established', 0.0))} are open: each lives for {stay} ms"
    yield Evidence(
        "supports", "separates", text, "tcp_connections", life, "s", SHORT_SECONDS, "inet_diag", 1.0, labels
    )
    share = arrivals.source_share
    if share is None:
        yield Evidence(
            "missing",
            "separates",
            "their networks were not counted",
            "listener_source_connections_total",
        )
        return
    text = f"{percent(share)} of them come from {arrivals.source}: the same clients again and again"
    metric, kind = "listener_source_connections_total", supports_if(share >= ONE_SOURCE)
    where = (*labels, ("prefix", arrivals.source))
    yield Evidence(kind, "separates", text, metric, share, "ratio", ONE_SOURCE, "eBPF", 1.0, where)


def _recommendations(case: _Case) -> Iterator[Recommendation]:
    rate, life = case.arrivals.per_second, max(case.lifetime_seconds, 0.001)
    at_once = number(max(1, round(rate * life)))
    formula = f"{number(rate)} connections/s × {number(round(1000 * life))} ms: {at_once} at once"
    what = "keep connections and use them again (keep-alive, a pool of as many as are open at once now)"
    source = case.arrivals.source or "its network"
    expected = "few connections come in; each carries many requests"
    yield Recommendation(Code(f"the clients in {source}", what), formula, expected, "low", restart="service")
    what = "allow keep-alive, with an idle timeout above that of the clients"
    where = case.service or case.arrivals.listener
    yield Recommendation(
        Code(where, what), formula, expected, "low", "idle connections take memory", "service"
    )
