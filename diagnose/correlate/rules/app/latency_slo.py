"""Requests take longer than they may.

Symptom: one in twenty requests of a service, or of one of its routes, takes more than 800 ms, and it stays so.

Cause: anything that keeps requests: a full CPU, a lock, a slow service behind, too few workers. This finding is what
users feel; the cause found in the same window stands above it, or the page says that none was found.

Evidence: the 95th percentile of the time from reading a request until its answer begins, in three windows of ten
seconds in a row, each with enough requests to tell. Routes whose answers all take the same many seconds are long polls.

Recommendation: that of the cause. Without one: capture the stacks of the service while it is slow.

Source: Google's SRE book, chapter 4, on percentiles as objectives; times are measured in the kernel (eBPF).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diagnose.correlate.durations import Durations
from diagnose.correlate.interval import wilson
from diagnose.correlate.rule import Evidence, Impact, Inspect, Recommendation, Subject, Verdict, strength
from diagnose.correlate.signals.requests import Interval, Requests, RequestsOf, together
from diagnose.correlate.words import number, percent

EXPLAINS: tuple[str, ...] = ()
IS_OBJECTIVE = True

# s, at the 95th percentile
OBJECTIVE_SECONDS, CLEAR_SECONDS, QUANTILE = 0.8, 2.0, 0.95
# windows in a row
WINDOWS = 3
# requests in each; with fewer, one slow request is the 95th percentile
LEAST_REQUESTS = 20
# s; what people take for prompt, told beside the percentile
PROMPT_SECONDS = 0.5
# s, and times the median: what waits for a timer takes long, and always as long
POLL_SECONDS, POLL_SPREAD = 5.0, 1.25
MOST_ROUTES = 3


def check(requests: Requests) -> list[Verdict]:
    """One verdict a listener that is slow as a whole, or has a slow route."""
    found = []
    for each in requests.all:
        prompt = {route: parts for route, parts in each.routes.items() if not _are_long_polls(parts)}
        routes = [(route, parts) for route, parts in prompt.items() if _is_slow(parts, requests.end_ns)]
        whole = each.intervals if len(prompt) == len(each.routes) else together(prompt.values())
        if _is_slow(whole, requests.end_ns):
            found.append(_verdict(each, whole, "", routes))
        elif routes:
            worst = max(routes, key=lambda route: _lately(route[1]).quantile(QUANTILE) or 0.0)
            found.append(_verdict(each, worst[1], worst[0], routes))
    return found


def _are_long_polls(intervals: Sequence[Interval]) -> bool:
    """Answers that wait for something to happen end when their time is up: all alike, and after seconds."""
    durations = _lately(intervals)
    middle, high = durations.quantile(0.5) or 0.0, durations.quantile(QUANTILE) or 0.0
    return middle >= POLL_SECONDS and high <= POLL_SPREAD * middle


def _is_slow(intervals: Sequence[Interval], end_ns: int) -> bool:
    """In each of the last windows, and together beyond what chance does."""
    last = intervals[-WINDOWS:]
    in_a_row = len(last) == WINDOWS and end_ns - last[0].end_ns <= (WINDOWS + 2) * 10 * 10**9
    if not in_a_row or any(each.count < LEAST_REQUESTS for each in last):
        return False
    if any((each.durations.quantile(QUANTILE) or 0.0) <= OBJECTIVE_SECONDS for each in last):
        return False
    together = _lately(last)
    return wilson(together.longer_than(OBJECTIVE_SECONDS), together.count)[0] > 1 - QUANTILE


def _lately(intervals: Sequence[Interval]) -> Durations:
    return Durations.together(each.durations for each in intervals[-WINDOWS:])


def _verdict(
    service: RequestsOf,
    intervals: Sequence[Interval],
    route: str,
    routes: Sequence[tuple[str, Sequence[Interval]]],
) -> Verdict:
    durations = _lately(intervals)
    p95 = durations.quantile(QUANTILE) or 0.0
    slow = durations.longer_than(OBJECTIVE_SECONDS) / durations.count
    subject = Subject(service.service, listener=service.listener, netns=service.netns)
    where = f" on {route}" if route else ""
    return Verdict(
        subject=subject,
        headline=f"{subject.name} takes {number(round(p95, 2))} s{where} for one in twenty requests",
        impact=Impact(
            slow,
            p95,
            "s at p95",
            f"{percent(slow)} of its requests{where} take longer than {number(OBJECTIVE_SECONDS)} s",
        ),
        evidence=tuple(_evidence(service, durations, p95, routes)),
        recommendations=(_recommendation(service),),
        explains=EXPLAINS,
    )


def _evidence(
    service: RequestsOf,
    durations: Durations,
    p95: float,
    routes: Sequence[tuple[str, Sequence[Interval]]],
) -> Iterator[Evidence]:
    labels, metric = (("listener", service.listener),), "http_server_seconds"
    text = (
        f"the 95th percentile is {number(round(p95, 2))} s over {number(durations.count)} requests, and above "
        f"{number(OBJECTIVE_SECONDS)} s in {WINDOWS} windows in a row"
    )
    clear = strength(p95, OBJECTIVE_SECONDS, CLEAR_SECONDS)
    yield Evidence("supports", "decides", text, metric, p95, "s", OBJECTIVE_SECONDS, "eBPF", clear, labels)
    slow, count = durations.longer_than(OBJECTIVE_SECONDS), durations.count
    low, high = wilson(slow, count)
    text = f"{percent(slow / count)} took longer (95 % interval {percent(low)}–{percent(high)})"
    clear = strength(low, 1 - QUANTILE, 0.15)
    yield Evidence(
        "supports", "separates", text, metric, slow / count, "ratio", 1 - QUANTILE, "eBPF", clear, labels
    )
    prompt = 1 - durations.longer_than(PROMPT_SECONDS) / count
    text = f"{percent(prompt)} were answered within {number(PROMPT_SECONDS)} s"
    yield Evidence("supports", "corroborates", text, metric, prompt, "ratio", None, "eBPF", 1.0, labels)
    for route, parts in sorted(routes, key=lambda each: -_lately(each[1]).count)[:MOST_ROUTES]:
        lately = _lately(parts)
        of_route = number(round(lately.quantile(QUANTILE) or 0.0, 2))
        text = f"{route}: {of_route} s at p95 of {number(lately.count)} requests"
        yield Evidence("supports", "corroborates", text, metric, labels=(*labels, ("route", route)))


def _recommendation(service: RequestsOf) -> Recommendation:
    change = Inspect(
        service.service or service.listener,
        "see what requests do while they are slow: all threads, waiting ones too",
        "diagnose-collector status  # which captures the host can take: python_wall and offcpu show who waits",
    )
    return Recommendation(
        change, "the finding above this one names the cause, where one was found", "the cause by line", "none"
    )
