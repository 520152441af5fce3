"""Small writes wait for a delayed acknowledgement: about 40 ms are lost in every exchange.

Symptom: requests take 40 ms (or 200) although nobody computes and the round trip is short; all CPUs are idle.

Cause: Nagle's algorithm holds a small segment back while another is unacknowledged, and the peer delays its
acknowledgement because it has nothing to say yet: head and body of a message in two writes wait for each other until
its timer runs out.

Evidence: connections with data under way nearly all the time for very few segments, about two sent for each that
comes back, about 20 ms a segment on a path of far less, while delayed acknowledgements rise. A handler that takes 40
ms leaves nothing under way meanwhile, and its peer answers each segment with one.

Recommendation: one write for a message, or TCP_NODELAY. Turning delayed acknowledgements off (TCP_QUICKACK) does not
last: the kernel sets it back.

Source: RFC 896, RFC 1122 (4.2.3.2), Linux net/ipv4/tcp_output.c (tcp_nagle_check), TCP_DELACK_MIN (40 ms), tcp(7);
measured: DelayedACKs 0 → 181/s, p50 0.3 → 44 ms with the CPUs idle; 0.3 ms again with TCP_NODELAY.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    supports_if,
)
from diagnose.correlate.signals.tcp_counters import Counted, TcpCounters
from diagnose.correlate.signals.traffic import Group, Traffic
from diagnose.correlate.words import number, percent

EXPLAINS: tuple[str, ...] = ()

# of the time of its connections; a request that waits for its handler has been acknowledged meanwhile
BUSY, CLEAR_BUSY = 0.5, 0.85
# s of busy time a segment: two segments share a wait of 40 ms, or of 200 ms with a peer that is not Linux
SHORTEST_SECONDS, LONGEST_SECONDS = 0.012, 0.12
# of that time; what the path takes anyhow is no wait
PATH_SHARE = 0.25
# sent for each received
TWO_FOR_ONE = 1.5
# segments in half a minute
LEAST_SEGMENTS = 60.0
# delayed acknowledgements for each exchange; the other end may be another host, which counts them there
DELAYED = 0.3


def check(traffic: Traffic, counters: TcpCounters | None) -> list[Verdict]:
    """One verdict a destination, or a listener that answers in two writes."""
    by_netns = counters.by_netns if counters else {}
    groups = (*traffic.destinations.values(), *traffic.listeners.values())
    return [_verdict(group, by_netns.get(group.netns)) for group in groups if _waits(group)]


def _wait_seconds(group: Group) -> float:
    sent = group.count("tcp_sent_segments_total")
    return group.count("tcp_busy_seconds_total") / sent if sent else 0.0


def _busy(group: Group) -> float:
    """Share of their time in which connections with traffic had something unacknowledged."""
    active = group.last("tcp_active_connections")
    return min(1.0, group.busy_connections / active) if active else 0.0


def _waits(group: Group) -> bool:
    sent, received = group.count("tcp_sent_segments_total"), group.count("tcp_received_segments_total")
    least = group.last("tcp_min_rtt_seconds")
    small = sent >= LEAST_SEGMENTS and received > 0 and sent >= TWO_FOR_ONE * received
    wait = _wait_seconds(group)
    slow = SHORTEST_SECONDS <= wait <= LONGEST_SECONDS and least is not None and least <= PATH_SHARE * wait
    return small and slow and _busy(group) >= BUSY and group.loss < 0.005 and group.window_limited < 0.1


def _verdict(group: Group, counted: Counted | None) -> Verdict:
    outgoing = group.side == "dst"
    subject = Subject(
        listener="" if outgoing else group.name, netns=group.netns, destination=group.name if outgoing else ""
    )
    exchange = group.count("tcp_busy_seconds_total") / max(group.count("tcp_received_segments_total"), 1.0)
    to = f"to {group.name}" if outgoing else f"of {group.name}"
    share = _busy(group)
    text = f"{number(round(1000 * exchange))} ms of each exchange are waiting, {percent(share)} of all their time"
    return Verdict(
        subject=subject,
        headline=f"small writes {to} wait {number(round(1000 * exchange))} ms for a delayed acknowledgement each time",
        impact=Impact(0.8 * share, exchange, "s", text),
        evidence=tuple(_evidence(group, counted)),
        ruled_out=(
            RuledOut("network.packet_loss", f"{percent(group.loss)} of the segments were sent again"),
            RuledOut("network.high_rtt", f"the least round trip is {_milliseconds(group)} ms"),
        ),
        recommendations=tuple(_recommendations(group, to, exchange)),
        will_not_help=(
            WillNotHelp("a faster handler or more workers", "nobody computes meanwhile"),
            WillNotHelp("TCP_QUICKACK", "the kernel sets it back; it has to be set after every read"),
            WillNotHelp("larger socket buffers", "a few hundred bytes are under way"),
        ),
        unknown=()
        if counted
        else (Unknown("delayed acknowledgements", "the stack's counters were not read"),),
        explains=EXPLAINS,
    )


def _milliseconds(group: Group) -> str:
    return number(round(1000 * (group.last("tcp_min_rtt_seconds") or 0.0), 2))


def _evidence(group: Group, counted: Counted | None) -> Iterator[Evidence]:
    share, wait, source = _busy(group), _wait_seconds(group), "tcp_info"
    text = (
        f"something was unacknowledged {percent(share)} of the time, {number(round(1000 * wait, 1))} ms a segment, on "
        f"a path of {_milliseconds(group)} ms"
    )
    clear, metric = strength(share, BUSY, CLEAR_BUSY), "tcp_busy_seconds_total"
    yield Evidence("supports", "decides", text, metric, share, "ratio", BUSY, source, clear, group.labels)
    sent, received = group.count("tcp_sent_segments_total"), group.count("tcp_received_segments_total")
    text = f"{number(sent)} segments were sent for {number(received)} that came back: messages in two writes"
    metric, value = "tcp_sent_segments_total", sent / received
    yield Evidence("supports", "separates", text, metric, value, "", TWO_FOR_ONE, source, 1.0, group.labels)
    if counted is None:
        text = "whether acknowledgements are delayed was not read"
        yield Evidence("missing", "corroborates", text, "netstat_TcpExt_DelayedACKs")
        return
    delayed = counted.of("DelayedACKs")
    text = f"{number(delayed)} acknowledgements were delayed on this host, {number(received)} exchanges"
    kind = supports_if(delayed >= DELAYED * received)
    metric = "netstat_TcpExt_DelayedACKs"
    yield Evidence(
        kind, "corroborates", text, metric, delayed, "", None, "/proc/net/netstat", 1.0, counted.labels
    )


def _recommendations(group: Group, to: str, exchange: float) -> Iterator[Recommendation]:
    what = "write a message at once (a buffer, writev), or setsockopt(TCP_NODELAY)"
    formula = (
        f"{number(round(1000 * exchange))} ms an exchange, of which the path takes {_milliseconds(group)} ms"
    )
    expected = "an exchange takes as long as the path and the handler"
    where = f"the program that writes {to}"
    yield Recommendation(Code(where, what), formula, expected, "low", "more, smaller packets", "service")
    port = group.name.rpartition(":")[2]
    command = f"ss -tnpi '( dport = :{port} or sport = :{port} )'"
    inspect = Inspect(group.name, "see which process holds these connections", command)
    yield Recommendation(inspect, "connections with a small Send-Q that stays", "the program", "none")
