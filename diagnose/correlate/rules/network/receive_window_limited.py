"""The receive buffer at the other end is too small for the path: the sender waits for its window.

Symptom: a transfer is slow on a long path, and neither end is busy.

Cause: no more may be under way than the receiver's window, so at most window ÷ round-trip time gets through. The
window is small because the program set SO_RCVBUF, which turns auto-tuning off, or because the highest value of
tcp_rmem is.

Evidence: the share of its busy time in which the sender waited for the window (tcp_info rwnd_limited), with a round
trip that is no longer than ever, or a receive queue that is empty: the reader takes at once what comes. A slow reader
(app.slow_reader) closes the window too, but its queue is full and its acknowledgements are late.

Recommendation: leave the buffer to auto-tuning; a fixed size only as large as bandwidth × round trip, twice for the
kernel's own part. rmem_max bounds SO_RCVBUF, not auto-tuning, which tcp_rmem bounds. Larger than that adds memory and
latency, not throughput.

Source: tcp(7), Linux net/ipv4/tcp_input.c (tcp_rcv_space_adjust), net/ipv4/tcp_output.c (TCP_CHRONO_RWND_LIMITED);
measured: a fixed buffer at 20 ms, 99.7 % of the time limited and 0.9 MB/s; 128 MB/s without it. BBR reports less than
Reno (42 to 58 %).
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.limits_of_transfer import (
    CLEAR_WINDOW_LIMITED,
    LATE_ACKS,
    WINDOW_LIMITED,
    Held,
    held_back,
    unread,
)
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
from diagnose.correlate.signals.traffic import Traffic
from diagnose.correlate.words import number, percent

EXPLAINS: tuple[str, ...] = ()

# of segments; a window that loss has made small is the sender's own
LOSS = 0.02
# s; a path that is shorter moves a lot through any window
SHORT_SECONDS = 0.0005


def check(traffic: Traffic) -> list[Verdict]:
    """One verdict a destination."""
    return [
        _verdict(held)
        for held in held_back(traffic)
        if not held.reader_is_slow and held.sender.loss < LOSS and not _short(held)
    ]


def _short(held: Held) -> bool:
    least = held.sender.last("tcp_min_rtt_seconds")
    return least is not None and least < SHORT_SECONDS


def _verdict(held: Held) -> Verdict:
    group = held.sender
    share = group.window_limited
    rate = group.last("tcp_delivery_rate_median_bytes_per_second") or 0.0
    text = f"{number(rate / 1e3)} kB/s a connection get through; {percent(share)} of the time data waits for the window"
    return Verdict(
        subject=Subject(netns=group.netns, destination=group.name),
        headline=f"transfers to {group.name} wait {percent(share)} of their time for its receive window",
        impact=Impact(0.6 * share, rate, "B/s", text),
        evidence=tuple(_evidence(held)),
        ruled_out=tuple(_ruled_out(held)),
        recommendations=tuple(_recommendations(held)),
        will_not_help=(
            WillNotHelp(
                "a larger send buffer (tcp_wmem, SO_SNDBUF)", "the sender waits for the receiver's window"
            ),
            WillNotHelp("raise net.core.rmem_max alone", "it bounds SO_RCVBUF; auto-tuning goes by tcp_rmem"),
        ),
        unknown=()
        if held.receiver
        else (
            Unknown("the receiver's own queue", f"{group.name} is not on this host: look at Recv-Q there"),
        ),
        explains=EXPLAINS,
    )


def _evidence(held: Held) -> Iterator[Evidence]:
    group = held.sender
    share, source = group.window_limited, "tcp_info"
    text = f"the peer's window held data back in {percent(share)} of the busy time"
    clear = strength(share, WINDOW_LIMITED, CLEAR_WINDOW_LIMITED)
    metric = "tcp_receive_window_limited_seconds_total"
    yield Evidence(
        "supports", "decides", text, metric, share, "ratio", WINDOW_LIMITED, source, clear, group.labels
    )
    if held.receiver is not None:
        used = unread(held.receiver)
        text = f"the receiver's buffer is {percent(used)} full: what comes is read at once"
        metric = "tcp_receive_buffer_used_ratio"
        labels = held.receiver.labels
        yield Evidence("supports", "separates", text, metric, used, "ratio", None, "inet_diag", 1.0, labels)
    queueing = group.queueing
    if queueing is None:
        yield Evidence("missing", "separates", "round-trip times were not read", "tcp_rtt_median_seconds")
    else:
        text = f"the round trip takes {number(round(queueing, 2))} times the least ever: nobody acknowledges late"
        kind = supports_if(queueing < LATE_ACKS)
        metric = "tcp_rtt_median_seconds"
        yield Evidence(kind, "separates", text, metric, queueing, "", LATE_ACKS, source, 1.0, group.labels)
    text = (
        f"{percent(group.loss)} of the segments were sent again: it is not loss that keeps the window small"
    )
    yield Evidence(
        "supports", "corroborates", text, "tcp_retransmits_total", group.loss, "ratio", LOSS, source
    )


def _ruled_out(held: Held) -> Iterator[RuledOut]:
    yield RuledOut("network.packet_loss", f"{percent(held.sender.loss)} of the segments were sent again")
    reason = f"its own buffer held data back {percent(held.sender.buffer_limited)} of the time"
    yield RuledOut("network.send_buffer_limited", reason)
    yield RuledOut(
        "app.slow_reader", "acknowledgements are not late" if not held.receiver else "its queue is empty"
    )


def _recommendations(held: Held) -> Iterator[Recommendation]:
    group = held.sender
    rtt, rate = group.last("tcp_min_rtt_seconds"), group.last("tcp_delivery_rate_median_bytes_per_second")
    if not rtt or not rate:
        return
    window = rate * rtt
    formula = (
        f"{number(rate / 1e3)} kB/s × {number(round(rtt * 1000, 1))} ms = a window of about {number(window / 1e3)} kB; "
        f"1 Gbit/s takes {number(2 * 125e6 * rtt / 1e3)} kB at this distance, the kernel's part included"
    )
    what = "do not set SO_RCVBUF: the kernel then grows the buffer up to the third value of net.ipv4.tcp_rmem"
    where = f"the program that receives at {group.name}"
    risk = "up to that much memory for each connection in use"
    yield Recommendation(
        Code(where, what), formula, "throughput up to what the path carries", "low", risk, "service"
    )
