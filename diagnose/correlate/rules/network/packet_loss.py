"""Segments are lost on the way to a peer and have to be sent again.

Symptom: transfers are slow, some requests take 200 ms or seconds longer than others while most are as fast as ever.

Cause: packets are lost on the path: an overloaded link or queue, a bad cable or radio, a rate limit that drops. TCP
takes loss for congestion and sends less; a request whose last segment is lost waits for a timeout.

Evidence: the share of segments to one destination (or from one listener) that were sent again, with recoveries by
SACK or timeouts. Duplicates reported by the peer (DSACK) are sent again for nothing: reordering, no loss. Drops on
this host for want of memory or queue space are its own defects.

Recommendation: look for where the path drops; one peer only is its path, all peers is this host's link. Where loss is
not congestion, BBR sends on regardless of it.

Source: RFC 6675, RFC 8985 (RACK), tcp(7), Linux net/ipv4/tcp_input.c; measured: 1 % loss, congestion window 3,892 →
21 and 130 → 1.1 MB/s with Reno at a flat round-trip time.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.interval import wilson
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
from diagnose.correlate.signals.congestion import Congestion
from diagnose.correlate.signals.tcp_counters import Counted, TcpCounters
from diagnose.correlate.signals.traffic import Group, Traffic
from diagnose.correlate.words import number, percent

EXPLAINS: tuple[str, ...] = ()

# of sent segments, for the low end of the 95 % interval; links lose less than 0.1 %, and slow start overshoots at times
LOST, CLEAR_LOST = 0.004, 0.02
# segments in half a minute
LEAST = 20.0
# segments in half a minute; more has no card, and is a counter gone wrong
MOST_SEGMENTS = 1e12
# of what was sent again; more is reordering, which the peer tells by DSACK
SPURIOUS_SHARE = 0.5
# segments sent again a recovery; more were lost at once, when slow start passed what the path holds (measured 555, and
# 3 to 7 where they were lost at random)
MOST_AT_ONCE = 40.0
# of what was sent again; a handshake that a full queue of this host drops is sent again by the client beside it
HERE_SHARE = 0.2
# round-trip time by the least ever; a queue that long on the path drops at its end
QUEUEING = 4.0


def check(traffic: Traffic, counters: TcpCounters | None, congestion: Congestion | None) -> list[Verdict]:
    """One verdict a destination, or a listener whose answers are lost."""
    by_netns = counters.by_netns if counters else {}
    groups = (*traffic.destinations.values(), *traffic.listeners.values())
    return [
        _verdict(group, by_netns.get(group.netns), congestion)
        for group in groups
        if _loses(group) and not _elsewhere(group, by_netns.get(group.netns))
    ]


def _low(group: Group) -> float:
    sent = int(min(group.count("tcp_sent_segments_total"), MOST_SEGMENTS))
    lost = group.count("tcp_retransmits_total")
    return wilson(min(lost, sent), sent)[0] if sent else 0.0


def _loses(group: Group) -> bool:
    """More sent again than sent are handshakes that nobody answers, which no transfer suffers from."""
    again, sent = group.count("tcp_retransmits_total"), group.count("tcp_sent_segments_total")
    return LEAST <= again <= sent and _low(group) >= LOST


def _elsewhere(group: Group, counted: Counted | None) -> bool:
    """Sent again for nothing, because this host's own sockets had no room for it, or after one burst too large."""
    again = group.count("tcp_retransmits_total")
    if counted is None:
        return False
    full = counted.of("ListenDrops") >= HERE_SHARE * again
    at_once = again > MOST_AT_ONCE * counted.of("TCPSackRecovery", "TCPTimeouts")
    return full or at_once or counted.of("TCPDSACKRecv") >= SPURIOUS_SHARE * again


def _verdict(group: Group, counted: Counted | None, congestion: Congestion | None) -> Verdict:
    outgoing = group.side == "dst"
    subject = Subject(
        listener="" if outgoing else group.name, netns=group.netns, destination=group.name if outgoing else ""
    )
    again = group.count("tcp_retransmits_total")
    rate = again / group.seconds
    where = f"to {group.name}" if outgoing else f"from {group.name} to its clients"
    text = (
        f"{number(rate)} segments/s are sent again; whoever's last segment is lost waits for 200 ms or more"
    )
    return Verdict(
        subject=subject,
        headline=f"{percent(group.loss)} of the segments {where} are lost",
        impact=Impact(min(0.8, 0.1 + 10 * group.loss), rate, "segments/s", text),
        evidence=tuple(_evidence(group, counted)),
        ruled_out=tuple(_ruled_out(group, counted)),
        recommendations=tuple(_recommendations(group, congestion)),
        will_not_help=(
            WillNotHelp(
                "larger socket buffers", "what is lost is lost on the way; the window is small because of it"
            ),
            WillNotHelp("lower net.ipv4.tcp_retries2", "it gives connections up earlier"),
        ),
        unknown=()
        if counted
        else (Unknown("recoveries and timeouts", "the stack's counters were not read"),),
        explains=EXPLAINS,
    )


def _evidence(group: Group, counted: Counted | None) -> Iterator[Evidence]:
    again, sent = group.count("tcp_retransmits_total"), group.count("tcp_sent_segments_total")
    low, source = _low(group), "tcp_info"
    text = f"{number(again)} of {number(sent)} segments were sent again, at least {percent(low)} (95 %)"
    clear, metric = strength(low, LOST, CLEAR_LOST), "tcp_retransmits_total"
    yield Evidence(
        "supports", "decides", text, metric, group.loss, "ratio", LOST, source, clear, group.labels
    )
    if counted is None:
        yield Evidence(
            "missing", "separates", "whether recoveries follow was not read", "netstat_TcpExt_TCPSackRecovery"
        )
    else:
        recovered = counted.of("TCPSackRecovery", "TCPTimeouts")
        spurious = number(counted.of("TCPDSACKRecv"))
        text = f"{number(recovered)} recoveries and timeouts; {spurious} duplicates were reported"
        kind = supports_if(recovered > 0)
        metric = "netstat_TcpExt_TCPSackRecovery"
        yield Evidence(
            kind, "separates", text, metric, recovered, "", 0, "/proc/net/netstat", 1.0, counted.labels
        )
        dropped = counted.of("TCPRcvQDrop", "TCPBacklogDrop", "ListenDrops")
        text = f"this host's own sockets dropped {number(dropped)}: it is lost on the way"
        kind = supports_if(dropped < again / 2)
        metric = "netstat_TcpExt_TCPRcvQDrop"
        yield Evidence(kind, "separates", text, metric, dropped, "segments", None, "/proc/net/netstat")
    queueing = group.queueing
    if queueing is not None:
        calm = queueing < QUEUEING
        text = f"the round trip takes {number(round(queueing, 1))} times the least ever"
        text = f"{text}: no long queue" if calm else f"{text}: a long queue, which drops at its end"
        metric = "tcp_rtt_median_seconds"
        yield Evidence(
            "supports", "corroborates", text, metric, queueing, "", QUEUEING, source, 1.0, group.labels
        )


def _ruled_out(group: Group, counted: Counted | None) -> Iterator[RuledOut]:
    if counted and not counted.of("TCPRcvQDrop", "TCPMemoryPressures"):
        yield RuledOut("network.tcp_memory_pressure", "no segment was dropped for want of memory")
    if counted and not counted.of("ListenDrops"):
        yield RuledOut("network.syn_queue_overflow", "ListenDrops stands still")
    if (queueing := group.queueing) and queueing < QUEUEING:
        yield RuledOut("network.high_rtt", f"{number(round(queueing, 1))} times the least round trip")


def _recommendations(group: Group, congestion: Congestion | None) -> Iterator[Recommendation]:
    host = group.name.rpartition(":")[0] if group.side == "dst" else "PEER"
    command = f"mtr --report --report-cycles 50 {host}; ip -s link; tc -s qdisc"
    purpose = "see at which hop, or at which of this host's own queues, packets are lost"
    inspect = Inspect(host, purpose, command)
    yield Recommendation(
        inspect, f"{percent(group.loss)} lost", "the hop from which on all later ones lose", "none"
    )
    if congestion and congestion.algorithm not in ("bbr", "") and "bbr" in congestion.available:
        change = Sysctl("net.ipv4.tcp_congestion_control", congestion.algorithm, "bbr")
        formula = f"{percent(group.loss)} loss at {number(round(group.queueing or 1, 1))} times the least round trip"
        expected = "throughput that random loss does not cut"
        risk = "takes more than its share beside others on a narrow link; new connections only"
        yield Recommendation(change, formula, expected, "medium", risk)
