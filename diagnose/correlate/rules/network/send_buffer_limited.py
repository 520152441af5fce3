"""The send buffer is too small for the path: the sender waits for acknowledgements before it may write more.

Symptom: a transfer is slow on a long path; the writer blocks although the receiver's window is open and nothing is
lost.

Cause: what is under way is kept in the send buffer until it is acknowledged, so at most buffer ÷ round-trip time gets
through. The program set SO_SNDBUF, which turns auto-tuning off, or the highest value of tcp_wmem is small.

Evidence: the share of the busy time in which the buffer held data back (tcp_info sndbuf_limited), or a buffer that is
over its limit in every reading, with a window that is open. A sender that has nothing more to send leaves its buffer
empty; one that waits for the congestion window or the peer has a buffer that auto-tuning made large enough.

Recommendation: leave the buffer to auto-tuning; a fixed one only as large as bandwidth × round trip, twice for the
kernel's own part.

Source: tcp(7), Linux net/ipv4/tcp_output.c (TCP_CHRONO_SNDBUF_LIMITED), net/core/sock.c (sk_sndbuf); measured: 36 to
46 % of the busy time and buffers at 1.1 to 5 times their limit. For some writers the kernel counts none of it, so the
buffer itself decides there.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.limits_of_transfer import BUSY_CONNECTIONS, LEAST_BUSY_SECONDS
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    Role,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.traffic import Group, Traffic
from diagnose.correlate.words import number, percent

EXPLAINS: tuple[str, ...] = ()

# of the busy time
LIMITED, CLEAR_LIMITED = 0.1, 0.35
# of the buffer's memory; the kernel lets the last write pass the limit, and auto-tuning keeps well below it
FULL = 1.02
# of the busy time; a peer whose window is closed fills any buffer
WINDOW_LIMITED = 0.2
LOSS = 0.02
# s; a path that is shorter moves a lot through any buffer
SHORT_SECONDS = 0.0005


def check(traffic: Traffic) -> list[Verdict]:
    """One verdict a destination, or a listener whose answers wait."""
    groups = (*traffic.destinations.values(), *traffic.listeners.values())
    return [_verdict(group) for group in groups if _limited(group)]


def _full(group: Group) -> float:
    return group.least("tcp_send_buffer_used_ratio") or 0.0


def _limited(group: Group) -> bool:
    least = group.last("tcp_min_rtt_seconds")
    busy = group.busy_connections >= BUSY_CONNECTIONS
    enough = busy and group.count("tcp_busy_seconds_total") >= LEAST_BUSY_SECONDS
    path = (
        least is not None
        and least >= SHORT_SECONDS
        and group.window_limited < WINDOW_LIMITED
        and group.loss < LOSS
    )
    return enough and path and (group.buffer_limited >= LIMITED or _full(group) >= FULL)


def _verdict(group: Group) -> Verdict:
    rate = group.last("tcp_delivery_rate_median_bytes_per_second") or 0.0
    outgoing = group.side == "dst"
    subject = Subject(
        listener="" if outgoing else group.name, netns=group.netns, destination=group.name if outgoing else ""
    )
    to = f"to {group.name}" if outgoing else f"from {group.name}"
    return Verdict(
        subject=subject,
        headline=f"transfers {to} are held back by the sender's own buffer: {number(rate / 1e3)} kB/s a connection",
        impact=Impact(
            0.5 * max(group.buffer_limited, 0.3), rate, "B/s", f"{number(rate / 1e3)} kB/s get through"
        ),
        evidence=tuple(_evidence(group)),
        ruled_out=(
            RuledOut(
                "network.receive_window_limited",
                f"{percent(group.window_limited)} of the time the window held",
            ),
            RuledOut("network.packet_loss", f"{percent(group.loss)} of the segments were sent again"),
        ),
        recommendations=tuple(_recommendations(group, to)),
        will_not_help=(
            WillNotHelp("a larger receive buffer (tcp_rmem)", "the receiver's window is open"),
            WillNotHelp("raise net.core.wmem_max alone", "it bounds SO_SNDBUF; auto-tuning goes by tcp_wmem"),
        ),
        unknown=(Unknown("the size of the buffer", "SO_SNDBUF of single sockets is not told: see ss -tmi"),),
        explains=EXPLAINS,
    )


def _evidence(group: Group) -> Iterator[Evidence]:
    share, used, source = group.buffer_limited, _full(group), "tcp_info"
    if share >= LIMITED:
        text = f"the send buffer held data back in {percent(share)} of the busy time"
        clear, metric = strength(share, LIMITED, CLEAR_LIMITED), "tcp_send_buffer_limited_seconds_total"
        yield Evidence(
            "supports", "decides", text, metric, share, "ratio", LIMITED, source, clear, group.labels
        )
    metric = "tcp_send_buffer_used_ratio"
    if used >= FULL:
        text = f"the buffer was over its limit in the last readings ({percent(used)} at the least)"
        role: Role = "separates" if share >= LIMITED else "decides"
        yield Evidence("supports", role, text, metric, used, "ratio", FULL, "inet_diag", 1.0, group.labels)
    text = f"the peer's window held data back {percent(group.window_limited)} of the time: it is open"
    metric = "tcp_receive_window_limited_seconds_total"
    value = group.window_limited
    yield Evidence(
        "supports", "separates", text, metric, value, "ratio", WINDOW_LIMITED, source, 1.0, group.labels
    )
    text = f"{percent(group.loss)} of the segments were sent again"
    yield Evidence(
        "supports", "corroborates", text, "tcp_retransmits_total", group.loss, "ratio", LOSS, source
    )


def _recommendations(group: Group, to: str) -> Iterator[Recommendation]:
    rtt = group.last("tcp_min_rtt_seconds")
    if not rtt:
        return
    size = number(2 * 125e6 * rtt / 1e3)
    formula = f"1 Gbit/s × {number(round(rtt * 1000, 1))} ms × 2 for the kernel's part = {size} kB"
    what = "do not set SO_SNDBUF: the kernel then grows the buffer up to the third value of net.ipv4.tcp_wmem"
    expected = "throughput up to what the path carries"
    yield Recommendation(
        Code(f"the program that sends {to}", what), formula, expected, "low", restart="service"
    )
