"""TCP may not have the memory it needs: what arrives is dropped on this host and has to be sent again.

Symptom: transfers slow down and stall, senders count retransmits, and the path loses nothing.

Cause: the buffers of all connections together reached net.ipv4.tcp_mem, or those of one control group its limit:
unread or unsent data of too many connections, or of readers that lag.

Evidence: segments dropped at the receive queue for want of memory (TCPRcvQDrop), entries into pressure
(TCPMemoryPressures) or connections ended by it (TCPAbortOnMemory), with queues pruned (PruneCalled). Loss on the path
moves none of these. Pruning alone is what a small buffer does.

Recommendation: find who holds the memory; raise tcp_mem to the share of memory that is meant for it, or the control
group's limit. Smaller caps on each socket (tcp_rmem, tcp_wmem) let more connections fit.

Source: Linux net/ipv4/tcp_input.c (tcp_try_rmem_schedule, tcp_prune_queue), net/ipv4/tcp.c
(tcp_enter_memory_pressure), Documentation/networking/ip-sysctl.rst; measured: PruneCalled 87, retransmits 1,115
without any loss on the path, 78 → 19 MB/s.
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

EXPLAINS = (
    "network.packet_loss",
    "app.slow_reader",
    "network.receive_window_limited",
    "network.send_buffer_limited",
)

# segments in half a minute; the odd one is dropped when a burst meets a buffer that is just full
LEAST, CLEAR = 5.0, 40.0
# of the middle value of tcp_mem; below it the whole machine is not under pressure, so a control group is
PRESSURE_SHARE = 0.9
PAGE_BYTES = 4096


def check(counters: TcpCounters, memory: SocketMemory | None) -> list[Verdict]:
    """One verdict a network namespace whose sockets lack memory."""
    return [_verdict(counted, memory) for counted in counters.by_netns.values() if _lacks(counted, memory)]


def _lacks(counted: Counted, memory: SocketMemory | None) -> bool:
    """Too many orphans are ended by the same counter, which is another defect."""
    orphans = bool(memory and memory.most_orphans and memory.orphans >= 0.5 * memory.most_orphans)
    ended = 0.0 if orphans else counted.of("TCPAbortOnMemory")
    return _dropped(counted) + ended >= LEAST or counted.of("TCPMemoryPressures") > 0


def _dropped(counted: Counted) -> float:
    return counted.of("TCPRcvQDrop")


def _of_whole_machine(memory: SocketMemory | None) -> bool | None:
    """Whether tcp_mem is what binds; None where its values are not known."""
    if memory is None or memory.bounds is None:
        return None
    return memory.pages >= PRESSURE_SHARE * memory.bounds[1]


def _verdict(counted: Counted, memory: SocketMemory | None) -> Verdict:
    whole = _of_whole_machine(memory)
    bound = {True: "tcp_mem", False: "a control group's limit", None: "tcp_mem or a control group's limit"}[
        whole
    ]
    rate = _dropped(counted) / counted.seconds
    again = counted.of("RetransSegs") / max(counted.of("OutSegs"), 1.0)
    return Verdict(
        subject=Subject(netns=counted.netns),
        headline=f"TCP lacks memory ({bound}): {number(rate)} segments/s that arrived are dropped",
        impact=Impact(
            min(0.8, 0.2 + again),
            rate,
            "segments/s",
            f"{percent(min(again, 1.0))} of all segments are sent again; transfers stall while they are",
        ),
        evidence=tuple(_evidence(counted, memory, whole)),
        ruled_out=(
            RuledOut(
                "network.packet_loss", "the segments reached this host and were dropped at the socket's door"
            ),
        ),
        recommendations=tuple(_recommendations(memory, whole)),
        will_not_help=(
            WillNotHelp(
                "raise net.core.rmem_max", "single buffers may be as large as before; their sum is too large"
            ),
            WillNotHelp("another congestion control", "nothing is lost on the path"),
        ),
        unknown=()
        if whole is not None
        else (Unknown("which bound", "net.ipv4.tcp_mem cannot be read in a network namespace of its own"),),
        explains=EXPLAINS,
    )


def _evidence(counted: Counted, memory: SocketMemory | None, whole: bool | None) -> Iterator[Evidence]:
    source, labels = "/proc/net/netstat", counted.labels
    dropped, ended = _dropped(counted), counted.of("TCPAbortOnMemory")
    if dropped:
        text = f"{number(dropped)} segments were dropped for want of buffer memory (TCPRcvQDrop)"
        clear, metric = strength(dropped, LEAST, CLEAR), "netstat_TcpExt_TCPRcvQDrop"
        yield Evidence("supports", "decides", text, metric, dropped, "segments", LEAST, source, clear, labels)
    if entered := counted.of("TCPMemoryPressures"):
        text = f"TCP went under memory pressure {number(entered)} times"
        metric = "netstat_TcpExt_TCPMemoryPressures"
        yield Evidence("supports", "decides", text, metric, entered, "", 0, source, 1.0, labels)
    if ended:
        text = f"{number(ended)} connections were ended for want of memory (TCPAbortOnMemory)"
        metric = "netstat_TcpExt_TCPAbortOnMemory"
        yield Evidence("supports", "decides", text, metric, ended, "connections", 0, source, 1.0, labels)
    pruned = counted.of("PruneCalled")
    text = f"receive queues were pruned {number(pruned)} times"
    kind = supports_if(pruned > 0)
    metric = "netstat_TcpExt_PruneCalled"
    yield Evidence(kind, "separates", text, metric, pruned, "", 0, source, strength(pruned, 0, 20), labels)
    if memory is None or memory.bounds is None:
        yield Evidence("missing", "corroborates", "which bound it is, is not known", "sockstat_TCP_mem")
    else:
        text = f"TCP buffers hold {number(memory.pages * PAGE_BYTES / 1e6)} MB of {_megabytes(memory.bounds[2])} MB"
        text = text if whole else f"{text}: the machine has room, so it is a control group's limit"
        yield Evidence(
            "supports", "corroborates", text, "sockstat_TCP_mem", memory.pages, "pages", memory.bounds[1]
        )


def _megabytes(pages: int) -> str:
    return number(pages * PAGE_BYTES / 1e6)


def _recommendations(memory: SocketMemory | None, whole: bool | None) -> Iterator[Recommendation]:
    command = "ss -tnmp | grep -o 'users.*\\|skmem:(r[0-9]*' | paste - - | sort -t r -k 3 -rn | head"
    inspect = Inspect("TCP buffers", "see who holds most", command)
    yield Recommendation(
        inspect, "skmem r: bytes in receive queues", "readers that lag, or very many connections", "none"
    )
    if whole and memory and memory.bounds:
        low, pressure, most = (2 * bound for bound in memory.bounds)
        current = " ".join(map(str, memory.bounds))
        change = Sysctl("net.ipv4.tcp_mem", current, f"{low} {pressure} {most}")
        formula = f"twice the bounds of now: {number(memory.pages)} pages are in use"
        yield Recommendation(
            change, formula, "no pressure at this load", "medium", "memory that others may lack"
        )
    elif whole is False:
        command = "grep -s . /sys/fs/cgroup/memory/*/memory.kmem.tcp.{usage_in_bytes,limit_in_bytes,failcnt}"
        inspect = Inspect(
            "control groups", "see which group's limit of TCP memory is reached (cgroup v1)", command
        )
        yield Recommendation(
            inspect, "the machine's own bound is far", "the group whose failcnt rises", "none"
        )
