"""Three times as many connections come in as a minute ago.

Symptom: new connections at a listener jump within a minute and stay there.

Cause: more users, a client that gave up keep-alive, one that tries again in a loop, or an attack.

Evidence: connections opened at the listener in each of the last tellings against the median of the time before. A
service that has just started is connected to anew by all its clients, and a short burst passes: both are none.

Recommendation: see who comes, and whether they are served; then limit, scale, or repair the client that tries again.

Source: connections are counted where they are established, in the kernel (tcp_lifecycle).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from diagnose.correlate.interval import Z
from diagnose.correlate.rule import (
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    RuledOut,
    Subject,
    Verdict,
    strength,
)
from diagnose.correlate.signals.connection_arrivals import ArrivalsOf, ConnectionArrivals
from diagnose.correlate.signals.incoming import Arrivals, Incoming
from diagnose.correlate.words import number, percent

EXPLAINS = ("app.error_rate", "app.goodput_drop", "app.latency_slo")
IS_OBJECTIVE = True

# of what came before: three times as many are 200 % more
SURGE, CLEAR_SURGE = 3.0, 6.0
# connections a second before and now; from next to nothing, any beginning is a surge
LEAST_BEFORE, LEAST_NOW = 1.0, 20.0
# s; a service that is younger is connected to anew by everybody
SETTLED_SECONDS = 60.0


def check(arrivals: ConnectionArrivals, incoming: Incoming | None) -> list[Verdict]:
    """One verdict a listener."""
    sources = incoming.listeners if incoming else {}
    return [
        _verdict(each, sources.get((each.listener, each.netns)))
        for each in arrivals.listeners.values()
        if _surges(each)
    ]


def _low(each: ArrivalsOf) -> float:
    """The low end of the 95 % interval of how many times as many there are, for the number that was counted."""
    return each.now / each.before * max(0.0, 1 - Z / math.sqrt(max(1.0, each.now_count)))


def _surges(each: ArrivalsOf) -> bool:
    settled = each.age_seconds is None or each.age_seconds >= SETTLED_SECONDS
    enough = each.before >= LEAST_BEFORE and each.now >= LEAST_NOW
    return settled and enough and _low(each) >= SURGE


def _verdict(each: ArrivalsOf, source: Arrivals | None) -> Verdict:
    times = each.now / each.before
    subject = Subject(each.service, listener=each.listener, netns=each.netns)
    name = each.service or each.listener
    text = f"{number(round(each.now))} connections a second instead of {number(round(each.before, 1))}"
    return Verdict(
        subject=subject,
        headline=f"{name} gets {number(round(times, 1))} times as many connections at {each.listener} as before",
        impact=Impact(0.1, each.now, "connections/s", text),
        evidence=tuple(_evidence(each, times, source)),
        ruled_out=tuple(_ruled_out(each)),
        recommendations=(_recommendation(each),),
        explains=EXPLAINS,
    )


def _evidence(each: ArrivalsOf, times: float, source: Arrivals | None) -> Iterator[Evidence]:
    labels, metric = (("listener", each.listener),), "tcp_incoming_connections_total"
    text = (
        f"{number(round(each.now))} connections a second, {number(round(times, 1))} times the "
        f"{number(round(each.before, 1))} of the {each.before_seconds:.0f} s before"
    )
    clear = strength(_low(each), SURGE, CLEAR_SURGE)
    yield Evidence("supports", "decides", text, metric, times, "times", SURGE, "eBPF", clear, labels)
    if each.age_seconds is None:
        yield Evidence(
            "missing", "separates", "how long the service runs was not read", "process_age_seconds"
        )
    else:
        text = f"the service runs for {number(round(each.age_seconds))} s: its clients do not come back from a restart"
        metric = "process_age_seconds"
        yield Evidence("supports", "separates", text, metric, each.age_seconds, "s", SETTLED_SECONDS)
    if source and source.source_share is not None:
        text = f"{percent(source.source_share)} of them come from {source.source}"
        metric = "listener_source_connections_total"
        yield Evidence(
            "supports", "corroborates", text, metric, source.source_share, "ratio", None, "eBPF", 1.0, labels
        )


def _ruled_out(each: ArrivalsOf) -> Iterator[RuledOut]:
    if each.age_seconds is not None:
        yield RuledOut(
            "app.crash_loop", f"the process that listens is {number(round(each.age_seconds))} s old"
        )


def _recommendation(each: ArrivalsOf) -> Recommendation:
    port = each.listener.rpartition(":")[2]
    change = Inspect(
        each.listener,
        "see who connects",
        f"ss -Htn sport = :{port} | awk '{{print $5}}' | sort | uniq -c | sort -rn",
    )
    return Recommendation(
        change, "what is usual is the median of the time before", "the clients that grew, by address", "none"
    )
