"""The way to a peer takes much longer than it did: a queue on the path, or another way.

Symptom: everything to this peer is slower by the same time, however little is sent; the services at both ends are
idle.

Cause: somewhere on the path packets wait in a queue that a transfer keeps full (bufferbloat), or the route became
longer.

Evidence: the smoothed round-trip time of the connections against the least they ever measured, and against their own
readings before. A slow application leaves it flat, as the kernel acknowledges; delayed acknowledgements raise it by
up to 40 ms, a receiver whose window is closed by more, so that these are looked at first.

Recommendation: with a transfer of this host's own under way, a queue that is fair and short (fq_codel) at the narrow
end, or a congestion control that does not fill it (BBR); else see where on the path the time goes.

Source: tcp(7) (tcpi_rtt, tcpi_min_rtt), Linux net/ipv4/tcp_input.c, RFC 8290 (fq_codel); measured: route, 2 → 80 ms
with no queue; bufferbloat, 436 ms against a least of 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from diagnose.correlate.rule import (
    Code,
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
from diagnose.correlate.signals.traffic import Group, Traffic
from diagnose.correlate.words import number, percent

EXPLAINS = ("network.packet_loss", "app.slow_dependency")

# by the least ever, or by the readings before
TIMES, CLEAR_TIMES = 4.0, 10.0
# s more; delayed acknowledgements alone make up to 0.04
LONGER_SECONDS, CLEAR_SECONDS = 0.045, 0.1
# s; what stays on this machine has no path
LEAST_SECONDS = 0.0002
# of the busy time; a closed window makes acknowledgements late
WINDOW_LIMITED = 0.3
# bytes that wait at the sender, of one that fills the path
FILLING_BYTES = 64_000.0
RTT = "tcp_rtt_median_seconds"


def check(traffic: Traffic, congestion: Congestion | None) -> list[Verdict]:
    """One verdict a destination; of several at one address, the one with most connections."""
    worst: dict[tuple[str, str], Group] = {}
    for group in traffic.destinations.values():
        if group.name != "other" and _longer(group):
            key = _address(group), group.netns
            if key not in worst or group.open > worst[key].open:
                worst[key] = group
    return [_verdict(group, traffic, congestion) for group in worst.values()]


def _address(group: Group) -> str:
    return group.name.rpartition(":")[0]


def _usual(group: Group) -> float | None:
    """The least ever; where that is of before the window, readings of the window tell no more."""
    return group.last("tcp_min_rtt_seconds")


def _now(group: Group) -> float | None:
    """What the last two passes had at the least."""
    return group.least(RTT)


def _longer(group: Group) -> bool:
    now, usual = _now(group), _usual(group)
    if now is None or usual is None or usual < LEAST_SECONDS:
        return False
    longer = now >= TIMES * usual and now - usual >= LONGER_SECONDS
    return longer and group.window_limited < WINDOW_LIMITED


def _filling(group: Group, traffic: Traffic) -> Group | None:
    """A transfer of this host to the same address."""
    same = (
        each
        for each in traffic.destinations.values()
        if (_address(each), each.netns) == (_address(group), group.netns)
        and (each.last("tcp_send_queue_bytes") or 0.0) >= FILLING_BYTES
    )
    return next(same, None)


def _verdict(group: Group, traffic: Traffic, congestion: Congestion | None) -> Verdict:
    now, usual = _now(group) or 0.0, _usual(group) or 0.0
    filling = _filling(group, traffic)
    why = (
        f"a transfer to {filling.name} fills a queue on the way"
        if filling
        else "a longer way, or a queue on it"
    )
    text = f"each exchange takes {_ms(now - usual)} ms longer than the path needs"
    return Verdict(
        subject=Subject(netns=group.netns, destination=_address(group)),
        headline=f"the round trip to {_address(group)} takes {_ms(now)} ms instead of {_ms(usual)}: {why}",
        impact=Impact(min(0.8, 0.2 + (now - usual)), now - usual, "s", text),
        evidence=tuple(_evidence(group, filling)),
        ruled_out=(
            RuledOut(
                "network.delayed_ack_nagle",
                f"delayed acknowledgements make up to 40 ms, not {_ms(now - usual)}",
            ),
            RuledOut("app.slow_dependency", "the peer's kernel acknowledges, whatever its program does"),
        ),
        recommendations=tuple(_recommendations(group, filling, congestion)),
        will_not_help=(
            WillNotHelp("larger socket buffers", "more fits into the queue, and everybody waits longer"),
            WillNotHelp("more workers", "no program is what is waited for"),
        ),
        unknown=()
        if filling
        else (
            Unknown(
                "route or queue",
                "another host's transfer may fill a queue on the path, which is not seen here",
            ),
        ),
        explains=EXPLAINS,
    )


def _ms(seconds: float) -> str:
    return number(round(1000 * seconds, 1))


def _evidence(group: Group, filling: Group | None) -> Iterator[Evidence]:
    now, usual = _now(group) or 0.0, _usual(group) or 0.0
    times, source = now / usual, "tcp_info"
    text = f"{_ms(now)} ms at the least in the last passes, {number(round(times, 1))} times the least ever"
    clear = min(strength(times, TIMES, CLEAR_TIMES), strength(now - usual, LONGER_SECONDS, CLEAR_SECONDS))
    yield Evidence("supports", "decides", text, RTT, now, "s", TIMES * usual, source, clear, group.labels)
    text = f"the window held data back {percent(group.window_limited)} of the busy time: acknowledgements are not late"
    metric, value = "tcp_receive_window_limited_seconds_total", group.window_limited
    yield Evidence(
        "supports", "separates", text, metric, value, "ratio", WINDOW_LIMITED, source, 1.0, group.labels
    )
    if earlier := group.before.get(RTT, ()):
        before = median(earlier)
        text = f"half a minute ago it took {_ms(before)} ms"
        kind = supports_if(now >= 2 * before)
        yield Evidence(kind, "corroborates", text, RTT, before, "s", None, source, 1.0, group.labels)
    if filling is not None:
        waiting = filling.last("tcp_send_queue_bytes") or 0.0
        text = f"{number(waiting / 1e3)} kB to {filling.name} wait or are under way"
        labels = filling.labels
        yield Evidence(
            "supports",
            "separates",
            text,
            "tcp_send_queue_bytes",
            waiting,
            "B",
            FILLING_BYTES,
            "",
            1.0,
            labels,
        )


def _recommendations(
    group: Group, filling: Group | None, congestion: Congestion | None
) -> Iterator[Recommendation]:
    address = _address(group)
    formula = f"{_ms(_now(group) or 0.0)} ms against {_ms(_usual(group) or 0.0)} at best"
    if filling is not None:
        if congestion and congestion.algorithm not in ("bbr", "") and "bbr" in congestion.available:
            change = Sysctl("net.ipv4.tcp_congestion_control", congestion.algorithm, "bbr")
            risk = "takes more than its share beside others on a narrow link; new connections only"
            yield Recommendation(change, formula, "transfers keep the queue short", "medium", risk)
        what = "tc qdisc replace dev DEVICE root fq_codel, with a rate (tc-tbf, cake) just below the narrow end's"
        expected = "small messages pass the transfer by"
        yield Recommendation(
            Code(f"the narrow end of the path to {address}", what), formula, expected, "medium"
        )
    command = f"mtr --report --report-cycles 20 {address}"
    inspect = Inspect(address, "see from which hop on the time is long", command)
    yield Recommendation(inspect, formula, "one hop adds it, or the route has changed", "none")
