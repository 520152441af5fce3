"""A service is slow because another one that it asks is.

Symptom: requests take long although the service hardly uses a CPU; its workers are all taken at a load that they
served before.

Cause: the peer itself (a database, another service) answers slowly. What asks only waits.

Evidence: the time from each question to the beginning of its answer, much longer than before or long by itself, and
the better part of the time that the service's own requests take. Waiting for a peer is normal; that it is most of the
time *and* long is what counts. A pool that is too small shows fast answers; a service without a CPU reads answers late.

Recommendation: look at the peer, not at this service; a timeout, a limit of what waits at once, and a cache or a
cheaper question here.

Source: Little's law (questions under way = rate × time); measured: p50 6 → 202 ms at idle CPUs with a peer that slept;
behind a pool of one the peer answered as fast as ever.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.change import Code, Inspect
from diagnose.correlate.rule import (
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
from diagnose.correlate.signals.dependencies import Dependencies, Dependency
from diagnose.correlate.signals.traffic import Traffic
from diagnose.correlate.words import number, percent

EXPLAINS = ("app.acceptor_stalled", "app.pool_exhausted", "app.worker_count")

# answers in half a minute, and before that, for a comparison
LEAST, LEAST_BEFORE = 20, 20
# s, the median: slow whatever it was before. Less, where it was faster before
SLOW_SECONDS, CLEAR_SECONDS = 0.15, 0.4
TIMES, CLEAR_TIMES = 3.0, 8.0
LONGER_SECONDS = 0.03
# of the time of the service's own requests
SHARE, CLEAR_SHARE = 0.5, 0.8
# questions under way on average; fewer keep nobody waiting
IN_FLIGHT = 0.3
# of an answer's time; what a thread waits for a CPU, or a segment on its way, is not the peer's
OWN_PART = 0.25
WAIT = "dependency_seconds"


def check(dependencies: Dependencies, traffic: Traffic | None) -> list[Verdict]:
    """One verdict a service: of the peer that it waits for longest."""
    worst: dict[str, Dependency] = {}
    for each in dependencies.found:
        before = worst.get(each.service)
        if _is_slow(each) and (before is None or each.in_flight > before.in_flight):
            worst[each.service] = each
    return [_verdict(each, _round_trip(each, traffic)) for each in worst.values() if _peers(each, traffic)]


def _median(each: Dependency) -> float:
    return each.answers.quantile(0.5) or 0.0


def _before(each: Dependency) -> float | None:
    return each.before.quantile(0.5) if each.before.count >= LEAST_BEFORE else None


def _grew(each: Dependency) -> bool:
    before, now = _before(each), _median(each)
    return before is not None and now >= TIMES * before and now - before >= LONGER_SECONDS


def _is_slow(each: Dependency) -> bool:
    if each.answers.count < LEAST or each.in_flight < IN_FLIGHT:
        return False
    if each.share is None:  # its own requests are not seen: only a change tells
        return _grew(each)
    return each.share >= SHARE and (_grew(each) or _median(each) >= SLOW_SECONDS)


def _round_trip(each: Dependency, traffic: Traffic | None) -> float | None:
    group = traffic.destinations.get((each.destination, each.netns)) if traffic else None
    return group.last("tcp_rtt_median_seconds") if group else None


def _peers(each: Dependency, traffic: Traffic | None) -> bool:
    """Whether most of the time is the peer's own, and not the way's or this host's."""
    own = max(each.slice_seconds or 0.0, _round_trip(each, traffic) or 0.0)
    return own <= OWN_PART * _median(each)


def _verdict(each: Dependency, round_trip: float | None) -> Verdict:
    now, before = _median(each), _before(each)
    was = f" instead of {_ms(before)}" if before is not None and _grew(each) else ""
    share = min(1.0, each.share) if each.share is not None else None
    of = f": {percent(share)} of the time of its own requests" if share is not None else ""
    text = f"{number(round(each.in_flight, 1))} requests wait there at any time"
    return Verdict(
        subject=Subject(each.service, each.pid, netns=each.netns, destination=each.destination),
        headline=f"{each.service} waits {_ms(now)} ms{was} for each answer of {each.destination}{of}",
        impact=Impact(0.9 * (share if share is not None else 0.5), now, "s/answer", text),
        evidence=tuple(_evidence(each, round_trip)),
        ruled_out=tuple(_ruled_out(each, round_trip)),
        recommendations=tuple(_recommendations(each)),
        will_not_help=(
            WillNotHelp("more workers in this service", "they would ask the same slow peer, and all wait"),
            WillNotHelp("more CPUs for this host", "its threads wait, they do not compute"),
        ),
        unknown=()
        if each.share is not None
        else (Unknown("the service's own requests", "they are not HTTP in clear, or not timed"),),
        explains=EXPLAINS,
    )


def _ms(seconds: float) -> str:
    return number(round(1000 * seconds, 1))


def _evidence(each: Dependency, round_trip: float | None) -> Iterator[Evidence]:
    now, before = _median(each), _before(each)
    labels = (("service", each.service), ("dst", each.destination))
    if before is not None and _grew(each):
        text = f"half of its answers take longer than {_ms(now)} ms; before this half minute it was {_ms(before)} ms"
        clear, threshold = strength(now / max(before, 1e-6), TIMES, CLEAR_TIMES), TIMES * before
        yield Evidence("supports", "decides", text, WAIT, now, "s", threshold, "eBPF", clear, labels)
    else:
        text = f"half of its {number(each.answers.count)} answers in half a minute take longer than {_ms(now)} ms"
        clear = strength(now, SLOW_SECONDS, CLEAR_SECONDS)
        yield Evidence("supports", "decides", text, WAIT, now, "s", SLOW_SECONDS, "eBPF", clear, labels)
    if each.share is None:
        yield Evidence(
            "missing", "separates", "the service's own requests were not timed", "http_server_seconds"
        )
    else:
        text = f"that is {percent(min(1.0, each.share))} of the time that the service's own requests take"
        clear, metric = strength(each.share, SHARE, CLEAR_SHARE), "http_server_seconds"
        where = (("service", each.service),)
        yield Evidence("supports", "decides", text, metric, each.share, "ratio", SHARE, "eBPF", clear, where)
    yield from _not_here(each, now, round_trip)


def _not_here(each: Dependency, now: float, round_trip: float | None) -> Iterator[Evidence]:
    where = (("service", each.service),)
    if each.slice_seconds is None:
        text = "whether the service itself waits for a CPU was not read"
        yield Evidence("missing", "separates", text, "service_run_delay_seconds_total")
    else:
        text = f"its own threads wait {_ms(each.slice_seconds)} ms for a CPU"
        kind, most = supports_if(each.slice_seconds <= OWN_PART * now), OWN_PART * now
        metric = "service_run_delay_seconds_total"
        yield Evidence(
            kind, "separates", text, metric, each.slice_seconds, "s", most, "/proc/PID/schedstat", 1.0, where
        )
    if round_trip is not None:
        text = f"the way there and back takes {_ms(round_trip)} ms"
        kind, metric = supports_if(round_trip <= OWN_PART * now), "tcp_rtt_median_seconds"
        labels = (("dst", each.destination),)
        yield Evidence(
            kind, "corroborates", text, metric, round_trip, "s", OWN_PART * now, "tcp_info", 1.0, labels
        )


def _ruled_out(each: Dependency, round_trip: float | None) -> Iterator[RuledOut]:
    if each.slice_seconds is not None:
        reason = (
            f"threads of the service wait {_ms(each.slice_seconds)} ms for a CPU, not {_ms(_median(each))}"
        )
        yield RuledOut("cpu.saturation", reason)
    if round_trip is not None:
        yield RuledOut("network.high_rtt", f"a round trip takes {_ms(round_trip)} ms")


def _recommendations(each: Dependency) -> Iterator[Recommendation]:
    peer, protocol = each.destination, each.protocol or "its protocol"
    mean, rate = each.answers.mean or 0.0, each.answers.count / 30
    formula = f"{number(round(rate, 1))} answers/s × {_ms(mean)} ms: {number(round(each.in_flight, 1))} wait"
    purpose = f"see what it is busy with ({protocol}): its own findings, slow queries, locks, CPU"
    command = f"ss -ltnp 'sport = :{peer.rpartition(':')[2]}'  # on that host"
    yield Recommendation(Inspect(peer, purpose, command), formula, "what it waits for there", "none")
    timeout = _ms(3 * (_before(each) or mean))
    what = f"a timeout near {timeout} ms, and no more questions at once than it answers well"
    expected, risk = "requests that do not need it stay fast", "some requests fail early"
    yield Recommendation(Code(each.service, what), formula, expected, "medium", risk, "service")
    what = "ask it less: cache its answers, or several questions in one"
    yield Recommendation(Code(each.service, what), formula, "less time there", "low", "answers may be old")
