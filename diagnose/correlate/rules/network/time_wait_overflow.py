"""More connections end than may wait in TIME_WAIT: the kernel destroys the rest at once.

Symptom: hardly any; "time wait bucket table overflow" in the kernel's log. Now and then a late packet of an old
connection meets a new one, which is then broken off.

Cause: net.ipv4.tcp_max_tw_buckets bounds the connections in TIME_WAIT of a network namespace. What closes beyond it
skips the wait.

Evidence: TCPTimeWaitOverflow rises, which the kernel counts in no other case, and the count stands at the bound. A
count that is high, but below it, is no problem.

Recommendation: fewer, longer connections; or as many buckets as the measured rate fills in 60 s.

Source: Linux net/ipv4/tcp_minisocks.c (tcp_time_wait), Documentation/networking/ip-sysctl.rst; measured: overflow
0 → 400 with the count pinned at the bound and no change of latency.
"""

from __future__ import annotations

from collections.abc import Iterator

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
)
from diagnose.correlate.signals.tcp_counters import Counted, TcpCounters
from diagnose.correlate.signals.time_waits import TimeWaits
from diagnose.correlate.words import number, percent

EXPLAINS: tuple[str, ...] = ()

# connections in half a minute
LEAST, CLEAR = 10.0, 200.0
# of tcp_max_tw_buckets
AT_LIMIT = 0.9
# s; fixed in the kernel (TCP_TIMEWAIT_LEN)
TIME_WAIT_SECONDS = 60.0
# bytes; an object of tw_sock_TCP is 248 and its bind bucket up to 80 (Linux 6.x, x86-64)
BYTES_EACH = 328


def check(counters: TcpCounters, waits: TimeWaits | None) -> list[Verdict]:
    """One verdict a network namespace."""
    return [
        _verdict(counted, waits)
        for counted in counters.by_netns.values()
        if counted.of("TCPTimeWaitOverflow") >= LEAST
    ]


def _verdict(counted: Counted, waits: TimeWaits | None) -> Verdict:
    lost = counted.of("TCPTimeWaitOverflow")
    rate = lost / counted.seconds
    limit = waits.limit if waits and not counted.netns else None
    bound = f" ({number(limit)})" if limit else ""
    text = f"{number(rate)} connections/s skip TIME_WAIT; a late packet may break off a new connection, which is rare"
    return Verdict(
        subject=Subject(netns=counted.netns),
        headline=f"TIME_WAIT is full: {number(rate)} connections/s end without it, beyond tcp_max_tw_buckets{bound}",
        impact=Impact(0.02, rate, "connections/s", text),
        evidence=tuple(_evidence(counted, waits, limit)),
        ruled_out=(
            RuledOut(
                "network.ephemeral_port_exhaustion",
                "connections end without TIME_WAIT and give their ports back at once",
            ),
        ),
        recommendations=tuple(_recommendations(counted, limit)),
        will_not_help=(
            WillNotHelp("lower net.ipv4.tcp_fin_timeout", "it ends FIN_WAIT_2; TIME_WAIT is fixed at 60 s"),
            WillNotHelp("set net.ipv4.tcp_tw_recycle", "gone since Linux 4.12"),
        ),
        unknown=()
        if limit
        else (Unknown("tcp_max_tw_buckets", "it is not known of this network namespace"),),
        explains=EXPLAINS,
    )


def _evidence(counted: Counted, waits: TimeWaits | None, limit: int | None) -> Iterator[Evidence]:
    labels = counted.labels
    lost = counted.of("TCPTimeWaitOverflow")
    text = f"TCPTimeWaitOverflow rose by {number(lost)} in {number(round(counted.seconds))} s"
    clear, metric = strength(lost, LEAST, CLEAR), "netstat_TcpExt_TCPTimeWaitOverflow"
    yield Evidence(
        "supports", "decides", text, metric, lost, "connections", 0, "/proc/net/netstat", clear, labels
    )
    count = waits.by_netns.get(counted.netns) if waits else None
    if count is None:
        text = "how many connections are in TIME_WAIT was not read"
        yield Evidence("missing", "separates", text, "tcp_connection_states")
        return
    text = f"{number(count)} connections are in TIME_WAIT"
    if limit is None or count >= AT_LIMIT * limit:
        text = f"{text}, {percent(count / limit)} of the bound" if limit else text
        yield Evidence("supports", "separates", text, "tcp_connection_states", count, "connections", limit)
    else:
        text = f"{text}, below the bound of {number(limit)} that was told last"
        yield Evidence(
            "contradicts", "corroborates", text, "tcp_connection_states", count, "connections", limit
        )


def _recommendations(counted: Counted, limit: int | None) -> Iterator[Recommendation]:
    ended = counted.rate("TCPTimeWaitOverflow", "TW")
    formula = f"{number(ended)} connections/s end here × {number(TIME_WAIT_SECONDS)} s"
    what = "keep connections (a pool, HTTP keep-alive), or let the other side close first"
    yield Recommendation(
        Code("the clients that close first", what), formula, "few connections end at all", "low"
    )
    if limit is None:
        return
    proposed = 1 << (int(max(ended * TIME_WAIT_SECONDS, limit + 1)) - 1).bit_length()
    memory = f"; {number(proposed * BYTES_EACH / 1e6)} MB at most, at {BYTES_EACH} B each"
    change = Sysctl("net.ipv4.tcp_max_tw_buckets", limit, proposed)
    formula = f"{formula}, rounded up to a power of two{memory}"
    yield Recommendation(change, formula, "TCPTimeWaitOverflow stands still", "low")
