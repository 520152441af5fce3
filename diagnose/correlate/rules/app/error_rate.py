"""A service answers many requests with an error of its own.

Symptom: users see errors: more than one in twenty answers has a status of 500 or above, for two minutes.

Cause: a bug, a dependency that fails, a limit that is reached. This finding is what users feel; the cause found in the
same window stands above it, or the page says that none was found.

Evidence: the share of 5xx among all answers, in every ten seconds of two minutes. A burst that passes, and errors of
clients (4xx), are none.

Recommendation: that of the cause. Without one: the service's log has the error, the routes are named here.

Source: RFC 9110, section 15.6 (what 5xx says); statuses are read from the first bytes of answers in the kernel (eBPF).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diagnose.correlate.interval import wilson
from diagnose.correlate.rule import Evidence, Impact, Inspect, Recommendation, Subject, Verdict, strength
from diagnose.correlate.signals.requests import INTERVAL_SECONDS, Interval, Requests, RequestsOf
from diagnose.correlate.words import number, percent

EXPLAINS: tuple[str, ...] = ()
IS_OBJECTIVE = True

# of all answers
FAILED_SHARE, CLEAR_SHARE = 0.05, 0.15
# s; the whole of a window, but for one telling that may be late
LASTING_SECONDS = 120.0 - 2 * INTERVAL_SECONDS
# answers in each ten seconds; with fewer, one error is more than a twentieth
LEAST_REQUESTS = 20
MOST_ROUTES = 3


def check(requests: Requests) -> list[Verdict]:
    """One verdict a listener."""
    return [_verdict(each) for each in requests.all if _fails(each.intervals)]


def _fails(intervals: Sequence[Interval]) -> bool:
    """All the time."""
    if not intervals or any(each.count < LEAST_REQUESTS for each in intervals):
        return False
    lasting = (intervals[-1].end_ns - intervals[0].end_ns) / 1e9 + INTERVAL_SECONDS
    every = all(each.failed_share > FAILED_SHARE for each in intervals)
    return lasting >= LASTING_SECONDS and every and wilson(*_counts(intervals))[0] > FAILED_SHARE


def _counts(intervals: Sequence[Interval]) -> tuple[int, int]:
    return sum(each.failed for each in intervals), sum(each.count for each in intervals)


def _verdict(service: RequestsOf) -> Verdict:
    failed, count = _counts(service.intervals)
    share = failed / count
    seconds = (service.intervals[-1].end_ns - service.intervals[0].end_ns) / 1e9 + INTERVAL_SECONDS
    subject = Subject(service.service, listener=service.listener, netns=service.netns)
    text = f"{percent(share)} of the requests of the last {seconds:.0f} s were answered with an error"
    return Verdict(
        subject=subject,
        headline=f"{subject.name} answers {percent(share)} of its requests with an error of its own (5xx)",
        impact=Impact(share, failed / seconds, "errors/s", text),
        evidence=tuple(_evidence(service, failed, count, seconds)),
        recommendations=(_recommendation(service),),
        explains=EXPLAINS,
    )


def _evidence(service: RequestsOf, failed: int, count: int, seconds: float) -> Iterator[Evidence]:
    labels, metric, (low, high) = (
        (("listener", service.listener),),
        "http_server_seconds",
        wilson(failed, count),
    )
    text = (
        f"{number(failed)} of {number(count)} answers were 5xx: {percent(failed / count)} "
        f"(95 % interval {percent(low)}–{percent(high)})"
    )
    clear = strength(low, FAILED_SHARE, CLEAR_SHARE)
    yield Evidence(
        "supports", "decides", text, metric, failed / count, "ratio", FAILED_SHARE, "eBPF", clear, labels
    )
    text = f"it was more than {percent(FAILED_SHARE)} in every ten seconds of {seconds:.0f} s: no burst"
    yield Evidence("supports", "separates", text, metric, seconds, "s", LASTING_SECONDS, "eBPF", 1.0, labels)
    for route, part in sorted(service.routes.items(), key=lambda each: -_counts(each[1])[0])[:MOST_ROUTES]:
        of_route, all_of_route = _counts(part)
        if of_route:
            text = f"{route or 'unknown route'}: {number(of_route)} errors of {number(all_of_route)} answers"
            yield Evidence("supports", "corroborates", text, metric, labels=(*labels, ("route", route)))


def _recommendation(service: RequestsOf) -> Recommendation:
    name = service.service or service.listener
    command = (
        f"journalctl -u {name} --since '5 minutes ago' --priority err"
        if name.endswith(".service")
        else "less +G LOG"
    )
    change = Inspect(name, "read the error in the service's own log", command)
    return Recommendation(
        change, "the finding above this one names the cause, where one was found", "the error", "none"
    )
