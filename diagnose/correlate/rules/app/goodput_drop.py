"""A service answers much less than before, though as much is asked of it.

Symptom: good answers a second fall by a third and more, while clients still wait for theirs.

Cause: the service became slower or fails: requests pile up inside it. The cause found in the same window stands above
this finding, or the page says that none was found.

Evidence: good answers in each of the last windows against the median of those before; requests under way at a time have
not become fewer (Little's law: with less demand they would), or answers turned into errors. Less demand, and
requests of another kind, are none.

Recommendation: that of the cause. Without one: compare the flame graphs of before and now.

Source: Little 1961; measured: with a low GOGC 8,660 → 1,980 requests/s at the same p99, which alone does not show it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from diagnose.correlate.interval import Z
from diagnose.correlate.rule import (
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    Subject,
    Verdict,
    strength,
    supports_if,
)
from diagnose.correlate.signals.requests import Interval, Requests, RequestsOf
from diagnose.correlate.words import number, percent

EXPLAINS: tuple[str, ...] = ()
IS_OBJECTIVE = True

# of the good answers before
DROP, CLEAR_DROP = 0.3, 0.6
# windows of ten seconds: what is now, and at least what was before
NOW_WINDOWS, LEAST_BEFORE = 3, 3
# good answers a second before
LEAST_RATE = 5.0
# of the requests under way before; fewer say that less is asked
DEMAND = 0.85
# of answers that moved from one route to another; then it is other work
MIX_MOVED = 0.25


@dataclass(frozen=True, slots=True)
class _Drop:
    """Rates per second of good answers, requests under way, and the share of answers that moved to other routes."""

    before: float
    now: float
    low: float
    under_way_before: float
    under_way_now: float
    failed_now: float
    moved: float
    onset_ns: int

    @property
    def share(self) -> float:
        return 1 - self.now / self.before

    @property
    def demand_holds(self) -> bool:
        return self.under_way_now >= DEMAND * self.under_way_before or self.failed_now >= self.share / 2


def check(requests: Requests) -> list[Verdict]:
    """One verdict a listener."""
    found = ((each, _drop(each, requests.end_ns)) for each in requests.all)
    return [_verdict(each, drop) for each, drop in found if drop and _holds(drop)]


def _holds(drop: _Drop) -> bool:
    return drop.before >= LEAST_RATE and drop.low >= DROP and drop.demand_holds and drop.moved < MIX_MOVED


def _drop(service: RequestsOf, end_ns: int) -> _Drop | None:
    now, before = service.intervals[-NOW_WINDOWS:], service.intervals[:-NOW_WINDOWS][1:]
    if len(before) < LEAST_BEFORE or end_ns - now[0].end_ns > (NOW_WINDOWS + 2) * 10**10:
        return None
    was = float(np.median([each.good_per_second for each in before]))
    rate = max(each.good_per_second for each in now)  # all of the last are lower than before
    count = sum(each.count - each.failed for each in now)
    if was <= 0:
        return None
    high = rate * (1 + Z / math.sqrt(max(1, count)))
    return _Drop(
        before=was,
        now=rate,
        low=1 - high / was,
        under_way_before=float(np.median([each.under_way for each in before])),
        under_way_now=float(np.median([each.under_way for each in now])),
        failed_now=sum(each.failed for each in now) / max(1, sum(each.count for each in now)),
        moved=_moved(service, now[0].end_ns),
        onset_ns=now[0].end_ns,
    )


def _moved(service: RequestsOf, since_ns: int) -> float:
    """Half the summed change of the routes' shares."""
    shares: list[tuple[int, int]] = []
    for parts in service.routes.values():
        shares.append((_count(parts, 0, since_ns), _count(parts, since_ns, 2**63)))
    before, now = (max(1, sum(each[at] for each in shares)) for at in (0, 1))
    return sum(abs(one / before - other / now) for one, other in shares) / 2


def _count(parts: Sequence[Interval], start_ns: int, end_ns: int) -> int:
    return sum(each.count for each in parts if start_ns <= each.end_ns < end_ns)


def _verdict(service: RequestsOf, drop: _Drop) -> Verdict:
    subject = Subject(service.service, listener=service.listener, netns=service.netns)
    lost = drop.before - drop.now
    text = f"{number(round(lost, 1))} requests a second that were answered well before are not"
    return Verdict(
        subject=subject,
        headline=f"{subject.name} answers {percent(drop.share)} less than before, with as many requests under way",
        impact=Impact(drop.share, lost, "requests/s", text),
        evidence=tuple(_evidence(service, drop)),
        recommendations=(_recommendation(service),),
        explains=EXPLAINS,
    )


def _evidence(service: RequestsOf, drop: _Drop) -> Iterator[Evidence]:
    labels, metric = (("listener", service.listener),), "http_server_seconds"
    text = (
        f"{number(round(drop.now, 1))} good answers a second instead of {number(round(drop.before, 1))}: at least "
        f"{percent(max(0.0, drop.low))} less at the low end of the 95 % interval"
    )
    clear = strength(drop.low, DROP, CLEAR_DROP)
    yield Evidence("supports", "decides", text, metric, drop.share, "ratio", DROP, "eBPF", clear, labels)
    under, was = drop.under_way_now, drop.under_way_before
    text = f"{number(round(under, 2))} requests are under way at a time, {number(round(was, 2))} before"
    kind = supports_if(under >= DEMAND * was)
    yield Evidence(kind, "separates", text, metric, under, "requests", DEMAND * was, "eBPF", 1.0, labels)
    text = f"{percent(drop.moved)} of the requests moved to other routes"
    yield Evidence("supports", "separates", text, metric, drop.moved, "ratio", MIX_MOVED, "eBPF", 1.0, labels)
    if drop.failed_now:
        text = f"{percent(drop.failed_now)} of the answers are errors now"
        yield Evidence(
            "supports", "corroborates", text, metric, drop.failed_now, "ratio", None, "eBPF", 1.0, labels
        )


def _recommendation(service: RequestsOf) -> Recommendation:
    name = service.service or service.listener
    change = Inspect(
        name,
        "compare what it does now with what it did before",
        f"# Profile of {name}, compared with ten minutes ago",
    )
    return Recommendation(
        change,
        "the finding above this one names the cause, where one was found",
        "what takes longer now",
        "none",
    )
