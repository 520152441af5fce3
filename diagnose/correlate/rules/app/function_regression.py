"""A function takes more of a service's CPU time than before.

Symptom: after a new version, or since some hour, the service uses more CPU for the same requests.

Cause: a function became dearer: an algorithm, a query that returns more, a cache that is gone, a library's new version.

Evidence: its share of on-CPU samples against the same service before: processes that were replaced in the window, or
what is stored of the day before; the interval of the difference holds for both numbers of samples. Where requests are
counted, the function costs more CPU a request too. Requests of another kind (on other routes) are no regression.

Recommendation: the function by name and line, before and now, what going back is worth; the differential flame graph.

Source: Newcombe 1998, interval for the difference of two proportions from Wilson's (method 10).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.attribution import Function
from diagnose.correlate.interval import speed_up, wilson
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Verdict,
    strength,
)
from diagnose.correlate.signals.function_shares import Cost, FunctionShares, SharesOf
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "app.hot_function",
    "app.acceptor_stalled",
    "network.accept_queue_overflow",
    "python.gil_contention",
)

# of CPU time: the low end of the 95 % interval of the growth of a share
GROWTH, CLEAR_GROWTH = 0.1, 0.3
# times its CPU time a request before
DEARER, CLEAR_DEARER = 1.3, 2.0
# samples on each side; with fewer no function's share is known better than ±0.1
LEAST_SAMPLES = 100
# cores; below it nobody notices
LEAST_CORES = 0.2
# of answers that moved to other routes; then it is other work
MIX_MOVED = 0.25


@dataclass(frozen=True, slots=True)
class _Growth:
    """A function's share before and now, and the 95 % interval of the difference."""

    function: Function
    before: float
    now: float
    low: float
    high: float
    dearer: float | None
    moved: float | None


def check(shares: FunctionShares) -> list[Verdict]:
    """One verdict a process, about the function that grew most."""
    found = []
    for each in shares.by_pid.values():
        grown = [growth for function in each.now if (growth := _growth(each, function)) and _holds(growth)]
        if grown and each.cores >= LEAST_CORES:
            found.append(_verdict(each, max(grown, key=lambda growth: growth.low)))
    return found


def _growth(shares: SharesOf, function: Function) -> _Growth | None:
    if min(shares.now_samples, shares.before_samples) < LEAST_SAMPLES:
        return None
    count = shares.before.get((function.name, function.file), 0)
    before, now = count / shares.before_samples, function.count / shares.now_samples
    low, high = _difference((count, shares.before_samples), (function.count, shares.now_samples))
    return _Growth(function, before, now, low, high, _dearer(shares, before, now), _moved(shares))


def _difference(before: tuple[int, int], now: tuple[int, int]) -> tuple[float, float]:
    """Newcombe's interval of now − before."""
    (low0, high0), (low1, high1) = wilson(*before), wilson(*now)
    share0, share1 = before[0] / before[1], now[0] / now[1]
    below = math.hypot(share1 - low1, high0 - share0)
    above = math.hypot(high1 - share1, share0 - low0)
    return share1 - share0 - below, share1 - share0 + above


def _dearer(shares: SharesOf, before: float, now: float) -> float | None:
    """How many times its CPU time a request; None where that is not known on both sides."""
    costs = shares.before_cost, shares.now_cost
    if costs[0] is None or costs[1] is None:
        return None
    floor = 0.5 / shares.before_samples  # a function that was never seen took less than one sample
    return now * costs[1].request_seconds / (max(before, floor) * costs[0].request_seconds)


def _moved(shares: SharesOf) -> float | None:
    """Half the summed change of the routes' shares."""
    before, now = shares.before_cost, shares.now_cost
    if before is None or now is None:
        return None
    routes = {*before.routes, *now.routes}
    return sum(abs(_part(before, route) - _part(now, route)) for route in routes) / 2


def _part(cost: Cost, route: str) -> float:
    return cost.routes.get(route, 0) / cost.answers


def _holds(growth: _Growth) -> bool:
    dearer = growth.dearer is None or growth.dearer >= DEARER
    return growth.low >= GROWTH and dearer and (growth.moved is None or growth.moved < MIX_MOVED)


def _verdict(shares: SharesOf, growth: _Growth) -> Verdict:
    subject, function = Subject(shares.service, shares.pid), growth.function
    cores = (growth.now - growth.before) * shares.cores
    since = "the process before it" if shares.replaced else "the day before"
    text = f"{number(round(cores, 2))} cores more than it would use as before"
    return Verdict(
        subject=subject,
        headline=f"{subject.name} spends {percent(growth.now)} of its CPU time in {function.short}, "
        f"{percent(growth.before)} in {since}",
        impact=Impact((growth.now - growth.before) * min(1.0, shares.cores), cores, "cores", text),
        evidence=tuple(_evidence(shares, growth)),
        ruled_out=tuple(_ruled_out(growth)),
        recommendations=(_recommendation(shares, growth),),
        explains=EXPLAINS,
    )


def _evidence(shares: SharesOf, growth: _Growth) -> Iterator[Evidence]:
    labels = (("pid", str(shares.pid)),)
    text = (
        f"{percent(growth.now)} of {shares.now_samples} on-CPU samples, {percent(growth.before)} of "
        f"{shares.before_samples} before: {percent(growth.low)} to {percent(growth.high)} more"
    )
    clear = strength(growth.low, GROWTH, CLEAR_GROWTH)
    yield Evidence(
        "supports",
        "decides",
        text,
        "",
        growth.now,
        "ratio",
        growth.before + GROWTH,
        "py-spy",
        clear,
        labels,
        "cpu",
    )
    if growth.dearer is None or growth.moved is None:
        yield Evidence(
            "missing", "separates", "requests were not counted on both sides: it may be other work"
        )
        return
    text = f"it takes {number(round(growth.dearer, 1))} times the CPU time a request"
    clear = strength(growth.dearer, DEARER, CLEAR_DEARER)
    yield Evidence(
        "supports",
        "separates",
        text,
        "http_server_seconds",
        growth.dearer,
        "times",
        DEARER,
        "",
        clear,
        labels,
    )
    text = f"{percent(growth.moved)} of the requests moved to other routes"
    yield Evidence(
        "supports",
        "separates",
        text,
        "http_server_seconds",
        growth.moved,
        "ratio",
        MIX_MOVED,
        "",
        1.0,
        labels,
    )


def _ruled_out(growth: _Growth) -> Iterator[RuledOut]:
    if growth.dearer is not None:
        yield RuledOut("app.hot_function", "it is not only dear: it was not before")


def _recommendation(shares: SharesOf, growth: _Growth) -> Recommendation:
    extra = growth.now - growth.before
    what = "see what changed here since; the differential flame graph of now and before shows what it calls"
    formula = f"{growth.function.count} of {shares.now_samples} samples now"
    best = number(speed_up(min(0.99, extra), 1e9))
    expected = f"as before: {best} times the throughput of a process that is short of CPU"
    return Recommendation(Code(growth.function.place, what), formula, expected, "low", restart="service")
