"""A Go client opens a connection for each of its requests.

Symptom: each call to another service takes a round trip (with TLS several) longer than it should; many connections
end in TIME_WAIT; the other side is busy with handshakes.

Cause: a connection goes back to http.Transport's pool only when the body of the answer was read to its end and
closed; and there is a pool for each Transport (one for each request has none), with two idle connections a host
unless MaxIdleConnsPerHost says more.

Evidence: the share of the program's CPU time, by its stacks, that goes into dialling and handshakes of net/http's
client, with connections that are opened all the time. A pool that fills up once is quiet afterwards.

Recommendation: one http.Client for all, bodies read and closed, and MaxIdleConnsPerHost of as many as are used at a
time; the function that calls, by name.

Source: net/http.Transport (MaxIdleConnsPerHost: DefaultMaxIdleConnsPerHost = 2), net/http.Response (Body).
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.goframes import place, short
from diagnose.correlate.interval import wilson
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
)
from diagnose.correlate.signals.connections_opened import ConnectionsOpened
from diagnose.correlate.signals.go_cpu import GoCpu, GoCpuOf
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "network.connection_churn",
    "network.ephemeral_port_exhaustion",
    "network.time_wait_overflow",
)

# of its CPU time at the low end of the interval; a client that reuses its connections dials next to never
SHARE, CLEAR_SHARE = 0.05, 0.2
# samples; fewer leave the interval wider than ±0.13
LEAST_SAMPLES = 60
# connections/s that the host opens
OPENED, CLEAR_OPENED = 10.0, 50.0


def check(cpu: GoCpu, opened: ConnectionsOpened) -> list[Verdict]:
    """One verdict a program that dials all the time."""
    if opened.per_second < OPENED:
        return []
    return [_verdict(each, opened) for each in cpu.by_pid.values() if _dials(each)]


def _low(program: GoCpuOf) -> float:
    return wilson(program.dialling, program.samples)[0]


def _dials(program: GoCpuOf) -> bool:
    return program.samples >= LEAST_SAMPLES and _low(program) >= SHARE


def _verdict(program: GoCpuOf, opened: ConnectionsOpened) -> Verdict:
    subject = Subject(program.service, program.pid)
    caller = program.callers[0].where if program.callers else None
    by = f", for {short(caller)}" if caller else ""
    share = program.dialling / program.samples
    return Verdict(
        subject=subject,
        headline=f"{subject.name} spends {percent(share)} of its CPU time on opening connections{by}",
        impact=Impact(
            min(0.6, 0.2 + share),
            opened.per_second,
            "connections/s",
            "each call waits for a handshake, and the other side makes one",
        ),
        evidence=tuple(_evidence(program, opened)),
        ruled_out=(RuledOut("network.high_rtt", "the round trips are there because connections are new"),),
        recommendations=tuple(_recommendations(program, share)),
        will_not_help=(
            WillNotHelp("net.ipv4.tcp_tw_reuse", "ports are free sooner, the handshakes stay"),
            WillNotHelp("a longer keep-alive at the server", "the client closes, or forgets, what it opened"),
        ),
        explains=EXPLAINS,
    )


def _evidence(program: GoCpuOf, opened: ConnectionsOpened) -> Iterator[Evidence]:
    labels, low = (("pid", str(program.pid)),), _low(program)
    text = (
        f"{program.dialling} of {program.samples} samples are in dialling and handshakes of net/http's client"
    )
    clear = strength(low, SHARE, CLEAR_SHARE)
    yield Evidence("supports", "decides", text, "", low, "ratio", SHARE, "stacks", clear, labels, "cpu")
    rate, metric = opened.per_second, "netstat_Tcp_ActiveOpens"
    text, clear = (
        f"{number(round(rate, 1))} connections a second are opened",
        strength(rate, OPENED, CLEAR_OPENED),
    )
    yield Evidence("supports", "separates", text, metric, rate, "1/s", OPENED, "/proc/net/snmp", clear)


def _recommendations(program: GoCpuOf, share: float) -> Iterator[Recommendation]:
    caller = (
        place(program.callers[0].where) if program.callers else f"{program.service}: where it calls others"
    )
    what = (
        "use one http.Client for all requests; io.Copy(io.Discard, body) and Close on every path; a Transport with "
        "MaxIdleConnsPerHost of as many as are used at a time; no DisableKeepAlives"
    )
    formula = f"{percent(share)} of its CPU time is spent on connections"
    yield Recommendation(Code(caller, what), formula, "connections are used again", "low", restart="service")
