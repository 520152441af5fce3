"""Clients that come again have to do the whole TLS handshake each time.

Symptom: CPU time in signatures and key exchange, and a round trip more (with TLS 1.2 two) before the first byte.

Cause: sessions are not resumed: the server gives no tickets or no cache, several servers behind one address do not
share their ticket key, or clients do not keep what they were given.

Evidence: the handshakes that a listener answers, by whether they resumed a session, hundreds of them from one network.
Many clients that come once each have nothing to resume; connections that are kept hardly need a handshake. TLS that
ends at a proxy before this host cannot be seen here.

Recommendation: session tickets on the server with one key for all of its instances, clients that keep their session,
TLS 1.3; fewer connections (keep-alive). An ECDSA certificate makes the signature ten times cheaper than RSA-2048.

Source: RFC 8446 (2.2, resumption and pre-shared keys), RFC 5077 (tickets), nginx ngx_http_ssl_module
(ssl_session_cache, ssl_session_ticket_key).
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.change import Code, Inspect
from diagnose.correlate.rule import (
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
from diagnose.correlate.signals.listener_queues import ListenerQueues
from diagnose.correlate.signals.tls_handshakes import Handshakes, TlsHandshakes
from diagnose.correlate.words import number, percent

EXPLAINS: tuple[str, ...] = ()

# full handshakes a second at one listener; with RSA-2048 each is about 1 ms of CPU time: a twentieth of a core
RATE, CLEAR_RATE = 50.0, 200.0
# of all its handshakes; of clients that come again all but the first resume
RESUMED, CLEAR_RESUMED = 0.3, 0.05
# of its connections, from one network
ONE_SOURCE = 0.7
# s that were watched; clients that start all begin with a full one
LEAST_SECONDS = 20.0
# connections a second, as in network.connection_churn: from there on a new one for each is the cause
CHURN_RATE = 150.0
COUNTED = "tls_handshakes_total"


def check(handshakes: TlsHandshakes, queues: ListenerQueues | None) -> list[Verdict]:
    """One verdict a listener."""
    return [_verdict(each, queues) for each in handshakes.listeners if _holds(each)]


def _holds(each: Handshakes) -> bool:
    often = each.full >= RATE and each.seconds >= LEAST_SECONDS
    same = each.source_share is None or each.source_share >= ONE_SOURCE
    return often and each.resumed_share <= RESUMED and same


def _pid(each: Handshakes, queues: ListenerQueues | None) -> int | None:
    mine = queues.queues if queues else ()
    where = each.listener, each.netns
    return next((queue.pid for queue in mine if (queue.listener, queue.netns) == where), None)


def _verdict(each: Handshakes, queues: ListenerQueues | None) -> Verdict:
    subject = Subject(each.service, _pid(each, queues), each.listener, each.netns)
    source = f" from {each.source}" if each.source else ""
    took = each.full_seconds.quantile(0.5)
    text = f"{number(each.full)} signatures and key exchanges a second"
    text = f"{text}; half of the handshakes take more than {_ms(took)} ms" if took is not None else text
    return Verdict(
        subject=subject,
        headline=(
            f"{number(each.full)} full TLS handshakes/s{source} at {subject.name} on {each.listener}: "
            f"{percent(each.resumed_share)} resume a session"
        ),
        impact=Impact(min(0.5, 0.1 + each.full / 2000), each.full, "handshakes/s", text),
        evidence=tuple(_evidence(each)),
        ruled_out=tuple(_ruled_out(each)),
        recommendations=tuple(_recommendations(each)),
        will_not_help=(
            WillNotHelp("a larger backlog", "connections are accepted; it is what follows that is dear"),
            WillNotHelp("a shorter cipher list", "the handshake's signature and key exchange stay the same"),
        ),
        unknown=tuple(_unknown(each)),
        explains=EXPLAINS,
    )


def _ms(seconds: float) -> str:
    return number(round(1000 * seconds, 1))


def _evidence(each: Handshakes) -> Iterator[Evidence]:
    labels = (("listener", each.listener),)
    text = f"{number(each.full)} handshakes a second are full ones, {number(each.resumed)} resume a session"
    clear, where = strength(each.full, RATE, CLEAR_RATE), (*labels, ("resumed", "no"))
    yield Evidence("supports", "decides", text, COUNTED, each.full, "1/s", RATE, "eBPF", clear, where)
    share = each.resumed_share
    text = f"{percent(share)} of all handshakes resume a session; of clients that come again nearly all could"
    clear = strength(share, RESUMED, CLEAR_RESUMED)
    yield Evidence("supports", "separates", text, COUNTED, share, "ratio", RESUMED, "eBPF", clear, labels)
    metric = "listener_source_connections_total"
    if each.source_share is None:
        yield Evidence("missing", "separates", "the networks of the clients were not counted", metric)
    else:
        text = (
            f"{percent(each.source_share)} of its connections come from {each.source}: the same clients again"
        )
        kind, where = supports_if(each.source_share >= ONE_SOURCE), (*labels, ("prefix", each.source))
        yield Evidence(
            kind, "separates", text, metric, each.source_share, "ratio", ONE_SOURCE, "eBPF", 1.0, where
        )
    yield from _dearer(each)


def _dearer(each: Handshakes) -> Iterator[Evidence]:
    """What resuming would save, where both kinds were seen."""
    full, resumed = each.full_seconds.quantile(0.5), each.resumed_seconds.quantile(0.5)
    if full is not None and resumed is not None:
        text = f"half of the full ones take {_ms(full)} ms or more, of those that resume {_ms(resumed)} ms"
        kind, labels = supports_if(full > resumed), (("listener", each.listener),)
        metric = "tls_handshake_seconds"
        yield Evidence(kind, "corroborates", text, metric, full, "s", resumed, "eBPF", 1.0, labels)


def _ruled_out(each: Handshakes) -> Iterator[RuledOut]:
    if each.full < CHURN_RATE:
        reason = f"{number(each.full + each.resumed)} connections/s would be bearable without the signatures"
        yield RuledOut("network.connection_churn", reason)


def _unknown(each: Handshakes) -> Iterator[Unknown]:
    yield Unknown("the certificate's key", "RSA or ECDSA is not told by the handshake's outside")
    if each.source_share is None:
        yield Unknown("who comes again", "connections are not counted by the networks they come from")


def _recommendations(each: Handshakes) -> Iterator[Recommendation]:
    formula = f"{number(each.full)} full of {number(each.full + each.resumed)} handshakes/s"
    where = each.service or each.listener
    host, _, port = each.listener.rpartition(":")
    reached = f"{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{port}"  # noqa: S104
    purpose = "see whether the server lets itself be resumed at all"
    command = (
        f"openssl s_client -connect {reached} -reconnect </dev/null 2>/dev/null | grep -E '^(New|Reused)'"
    )
    yield Recommendation(Inspect(where, purpose, command), formula, "Reused five times", "none")
    what = "give out session tickets, with one ticket key for all instances, changed daily"
    expected = "clients that come again resume: no signature, one round trip less with TLS 1.2"
    yield Recommendation(Code(where, what), formula, expected, "low", restart="service")
    what = (
        "keep the session between connections, or better the connection (one TLS context a process, a pool)"
    )
    clients = f"the clients in {each.source}" if each.source else "the clients"
    yield Recommendation(Code(clients, what), formula, "handshakes become rare", "low", restart="service")
    old = sum(share for version, share in each.versions.items() if version != "1.3")
    if old >= RESUMED:
        what = "offer TLS 1.3: a round trip less even for full handshakes"
        yield Recommendation(
            Code(where, what), f"{percent(old)} of the handshakes are older", "one round trip", "low"
        )
