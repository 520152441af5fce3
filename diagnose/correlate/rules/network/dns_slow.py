"""A name server takes long to answer.

Symptom: the first request to each peer is slow while later ones are not; new connections begin late, in steps of the
resolver's timeout (5 s by default) where questions are lost.

Cause: the name server is overloaded, far away, or forwards to one that is; questions or answers are lost on the way;
search domains make several questions of one (ndots).

Evidence: the time from a question to its answer, as the kernel sees it on the sockets of the C library: its median
for a server that is slow, and the share that took longer than a second for one that loses questions. A rare slow
answer is a name that was in no cache.

Recommendation: a cache on this host; another name server, or a shorter timeout, in the order they are asked;
fully qualified names where search domains multiply the questions.

Source: resolv.conf(5) (timeout, attempts, ndots, rotate), RFC 1034 (5.3.3), systemd-resolved.service(8).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.change import Code, Inspect
from diagnose.correlate.interval import wilson
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
from diagnose.correlate.signals.name_servers import NameServer, NameServers
from diagnose.correlate.words import duration, number, percent

EXPLAINS = ("app.slow_dependency",)

# answers in a minute; fewer are somebody looking something up by hand
LEAST_ANSWERS = 10
# s, the median; a server elsewhere that has to ask others answers in 20 to 60 ms, a cache in 1
SLOW_SECONDS, CLEAR_SECONDS = 0.1, 0.3
# s; no network is that far away: the question was asked again
LOST_SECONDS = 1.0
# of the answers, at the low end of the 95 % interval
LOST_SHARE, CLEAR_SHARE = 0.02, 0.1
WAIT = "dns_seconds"


@dataclass(frozen=True, slots=True)
class _Case:
    server: NameServer
    median: float
    lost: int

    @property
    def count(self) -> int:
        return self.server.answers.count

    @property
    def lost_low(self) -> float:
        return wilson(self.lost, self.count)[0]

    @property
    def is_slow(self) -> bool:
        return self.median >= SLOW_SECONDS

    @property
    def holds(self) -> bool:
        return self.count >= LEAST_ANSWERS and (self.is_slow or self.lost_low >= LOST_SHARE)

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        return (("dst", self.server.destination),)


def check(servers: NameServers) -> list[Verdict]:
    """One verdict a name server."""
    cases = (
        _Case(each, each.answers.quantile(0.5) or 0.0, each.answers.longer_than(LOST_SECONDS))
        for each in servers.servers
    )
    return [_verdict(case) for case in cases if case.holds]


def _verdict(case: _Case) -> Verdict:
    name, (service, waited) = case.server.destination, _waits_most(case)
    how = (
        f"takes {_ms(case.median)} ms for an answer"
        if case.is_slow
        else f"answers {percent(case.lost / case.count)} of the questions only when asked again"
    )
    asked = f" that {service} asks" if service else ""
    text = f"{service or 'programs'} waited {duration(waited)} of the last minute for names"
    mean = case.server.answers.mean or 0.0
    return Verdict(
        subject=Subject(netns=case.server.netns, destination=name),
        headline=f"the name server {name}{asked} {how}",
        impact=Impact(min(0.7, 0.2 + mean), mean, "s/name", text),
        evidence=tuple(_evidence(case)),
        ruled_out=(
            RuledOut("network.high_rtt", "a round trip to anywhere takes less than this")
            if case.lost_low >= LOST_SHARE
            else RuledOut(
                "network.packet_loss", f"{case.lost} of {case.count} questions had to be asked again"
            ),
        ),
        recommendations=tuple(_recommendations(case)),
        will_not_help=(WillNotHelp("more workers", "each of them waits for the same names"),),
        unknown=(
            Unknown("questions that nobody answered", "only those that were answered in the end are timed"),
        ),
        explains=EXPLAINS,
    )


def _waits_most(case: _Case) -> tuple[str, float]:
    """The service that waited longest, and how long."""
    services = case.server.by_service
    service = max(services, key=lambda name: services[name].sum_seconds)
    return service, services[service].sum_seconds


def _ms(seconds: float) -> str:
    return number(round(1000 * seconds, 1))


def _evidence(case: _Case) -> Iterator[Evidence]:
    source, of = "eBPF", f"of {number(case.count)} answers in a minute"
    if case.is_slow:
        text = f"half {of} took longer than {_ms(case.median)} ms"
        clear = strength(case.median, SLOW_SECONDS, CLEAR_SECONDS)
        yield Evidence(
            "supports", "decides", text, WAIT, case.median, "s", SLOW_SECONDS, source, clear, case.labels
        )
    share = case.lost / case.count
    kind = supports_if(case.lost_low >= LOST_SHARE)
    if kind == "supports":
        text = f"{percent(share)} {of} took more than {number(LOST_SECONDS)} s: the question was asked again"
        clear = strength(case.lost_low, LOST_SHARE, CLEAR_SHARE)
        yield Evidence(kind, "decides", text, WAIT, share, "ratio", LOST_SHARE, source, clear, case.labels)
    before = case.server.before.quantile(0.5)
    if before is not None and case.is_slow:
        text = f"before that minute the median was {_ms(before)} ms"
        kind = supports_if(case.median >= 2 * before)
        yield Evidence(kind, "corroborates", text, WAIT, before, "s", None, source, 1.0, case.labels)
    text = f"{number(case.count)} were asked and answered: more than a name or two"
    clear = strength(case.count, LEAST_ANSWERS, 10 * LEAST_ANSWERS)
    yield Evidence(
        "supports", "separates", text, WAIT, case.count, "answers", LEAST_ANSWERS, source, clear, case.labels
    )


def _recommendations(case: _Case) -> Iterator[Recommendation]:
    server = case.server.destination.rpartition(":")[0]
    formula = f"{number(case.count / 60)} answers/s at {_ms(case.server.answers.mean or 0.0)} ms each"
    inspect = Inspect(
        server,
        "compare its answers, twice for the same name, with another server's",
        f"resolvectl statistics; for i in 1 2; do dig @{server} example.org | grep 'Query time'; done",
    )
    yield Recommendation(inspect, formula, "the second answer is fast: a cache nearby would help", "none")
    what = "run a caching resolver on this host (systemd-resolved, unbound) and ask that"
    yield Recommendation(
        Code("/etc/resolv.conf", what), formula, "names that were asked before take below 1 ms", "low"
    )
    if case.lost_low >= LOST_SHARE:
        what = "options timeout:1 attempts:3, and a second nameserver line; without rotate the first is asked first"
        yield Recommendation(
            Code("/etc/resolv.conf", what), "5 s by default", "a lost question costs one second", "low"
        )
