"""Connections that no process holds any more are too many: the kernel breaks them off.

Symptom: "too many orphaned sockets" in the kernel's log; peers get a reset before the last data, and a service that
closed a connection properly does not know.

Cause: a program closed connections with data still to send, to peers that do not take it (gone, or not reading). The
kernel goes on for them alone, up to net.ipv4.tcp_max_orphans of the whole machine.

Evidence: orphans near the bound, and connections that are ended for it (TCPAbortOnMemory). Orphans that come and go
are every close's last moment.

Recommendation: find who closes and on whom; give such peers up sooner (tcp_orphan_retries: 8 by default, up to
minutes each); a higher bound takes up to 64 kB of memory for each.

Source: Linux net/ipv4/tcp_timer.c (tcp_out_of_resources), net/ipv4/tcp.c (tcp_check_oom, tcp_too_many_orphans),
Documentation/networking/ip-sysctl.rst.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
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
from diagnose.correlate.signals.socket_memory import SocketMemory
from diagnose.correlate.signals.tcp_counters import Counted, TcpCounters
from diagnose.correlate.words import number, percent

EXPLAINS = ("network.connection_resets",)

# connections in half a minute
LEAST, CLEAR = 5.0, 50.0
# of tcp_max_orphans; the kernel counts single CPUs' shares roughly, and doubles those of misbehaving peers
NEAR = 0.5
# orphans, where the bound is not known
MANY = 20.0
# bytes; what the kernel's own documentation reckons an orphan may hold
BYTES_EACH = 65_536


def check(memory: SocketMemory, counters: TcpCounters) -> list[Verdict]:
    """One verdict a network namespace whose connections are ended; orphans are the machine's."""
    return [_verdict(memory, each) for each in counters.by_netns.values() if _too_many(memory, each)]


def _too_many(memory: SocketMemory, counted: Counted) -> bool:
    many = memory.orphans >= (NEAR * memory.most_orphans if memory.most_orphans else MANY)
    lacks = counted.of("TCPRcvQDrop", "TCPMemoryPressures") > 0
    return counted.of("TCPAbortOnMemory") >= LEAST and many and not lacks


def _verdict(memory: SocketMemory, counted: Counted) -> Verdict:
    rate = counted.of("TCPAbortOnMemory") / counted.seconds
    bound = f" of {number(memory.most_orphans)}" if memory.most_orphans else ""
    return Verdict(
        subject=Subject(netns=counted.netns),
        headline=f"{number(memory.orphans)}{bound} orphaned connections: {number(rate)}/s are broken off",
        impact=Impact(
            0.1, rate, "connections/s", f"{number(rate)} peers/s lose the end of what was sent to them"
        ),
        evidence=tuple(_evidence(memory, counted)),
        ruled_out=(
            RuledOut(
                "network.tcp_memory_pressure", "no segment was dropped for want of memory: it is their number"
            ),
        ),
        recommendations=tuple(_recommendations(memory)),
        will_not_help=(
            WillNotHelp(
                "lower net.ipv4.tcp_fin_timeout", "it ends FIN_WAIT_2; these still have data to send"
            ),
            WillNotHelp("raise net.ipv4.tcp_mem", "their number is bounded, not only their memory"),
        ),
        unknown=()
        if memory.most_orphans
        else (Unknown("tcp_max_orphans", "it cannot be read in a network namespace of its own"),),
        explains=EXPLAINS,
    )


def _evidence(memory: SocketMemory, counted: Counted) -> Iterator[Evidence]:
    ended, labels = counted.of("TCPAbortOnMemory"), counted.labels
    text = f"{number(ended)} connections were ended in half a minute (TCPAbortOnMemory)"
    clear, metric = strength(ended, LEAST, CLEAR), "netstat_TcpExt_TCPAbortOnMemory"
    source = "/proc/net/netstat"
    yield Evidence("supports", "decides", text, metric, ended, "connections", LEAST, source, clear, labels)
    limit = memory.most_orphans
    text = f"up to {number(memory.orphans)} orphans in the last half minute"
    text = f"{text}, {percent(memory.orphans / limit)} of the bound" if limit else text
    metric, source = "sockstat_TCP_orphan", "/proc/net/sockstat"
    yield Evidence("supports", "separates", text, metric, memory.orphans, "connections", limit, source)
    timeouts = counted.of("TCPAbortOnTimeout")
    text = f"{number(timeouts)} were given up after all their retries"
    kind, metric = supports_if(timeouts < ended), "netstat_TcpExt_TCPAbortOnTimeout"
    yield Evidence(kind, "corroborates", text, metric, timeouts, "connections", None, "", 1.0, labels)


def _recommendations(memory: SocketMemory) -> Iterator[Recommendation]:
    command = "ss -Htn state fin-wait-1 state last-ack state closing | awk '{print $4, $5}' | sort | uniq -c | sort -rn"
    inspect = Inspect(
        "orphans", "see which service closed them, and which peers do not take the rest", command
    )
    yield Recommendation(inspect, f"{number(memory.orphans)} orphans", "one service, or one peer", "none")
    if memory.most_orphans:
        proposed = 1 << (2 * memory.most_orphans - 1).bit_length()
        change = Sysctl("net.ipv4.tcp_max_orphans", memory.most_orphans, proposed)
        formula = f"twice the bound of now, rounded up; {number(proposed * BYTES_EACH / 1e6)} MB at the most"
        yield Recommendation(
            change, formula, "none is broken off at this rate", "medium", "memory for dead peers"
        )
