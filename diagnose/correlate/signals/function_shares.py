"""What each function of a service's processes takes of their CPU time, now and in what is known of the time before.

Before: processes of the same service that ended in the window (a version that was replaced), and what is stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from diagnose.correlate.attribution import Function, functions, is_waiting
from diagnose.correlate.samples import Profile, Samples, Series
from diagnose.correlate.signals.requests import Interval, Requests

READS = (
    "process_cpu_seconds_total",
    "process_open_fds",
    "listener_accept_queue_length",
    "ebpf_observed_seconds_total",
)
HISTOGRAMS = ("http_server_seconds",)
PROFILES = ("cpu",)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of one request, and the answers by route that it is known from."""

    request_seconds: float
    answers: int
    routes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SharesOf:
    """One process now, and its service before. Functions by samples, most first; costs None where not counted."""

    pid: int
    service: str
    cores: float
    now: tuple[Function, ...]
    now_samples: int
    now_cost: Cost | None
    before: Mapping[tuple[str, str], int]
    before_samples: int
    before_cost: Cost | None
    replaced: bool


@dataclass(frozen=True, slots=True)
class FunctionShares:
    """By pid; services of which nothing before is known are left out."""

    by_pid: Mapping[int, SharesOf]

    @classmethod
    def derive(cls, samples: Samples) -> FunctionShares | None:
        profiles = samples.profiles_of("cpu")
        if not profiles:
            return None
        cpu, requests = samples.by_process("process_cpu_seconds_total"), Requests.derive(samples)
        there = {
            pid for pid in profiles if samples.is_alive(pid) and pid in cpu and samples.is_present(cpu[pid])
        }
        found = {}
        for pid in there:
            service = profiles[pid].service
            gone = [other for other in profiles if other not in there and profiles[other].service == service]
            found[pid] = _of(profiles, pid, gone, samples, cpu, requests)
        return cls({pid: shares for pid, shares in found.items() if shares is not None})


def _of(
    profiles: Mapping[int, Profile],
    pid: int,
    gone: list[int],
    samples: Samples,
    cpu: Mapping[int, Series],
    requests: Requests | None,
) -> SharesOf | None:
    service = profiles[pid].service
    stored = [each for each in samples.baselines if each.service == service]
    before = _functions([*(profiles[each] for each in gone), *stored])
    now = _functions([profiles[pid]])
    if not before or not now:
        return None
    seconds = float(cpu[pid].times_ns[-1] - cpu[pid].times_ns[0]) / 1e9
    return SharesOf(
        pid=pid,
        service=service,
        cores=float(cpu[pid].values[1:].sum()) / seconds if seconds > 0 else 0.0,
        now=now,
        now_samples=sum(each.count for each in now),
        now_cost=_cost([cpu[pid]], service, requests),
        before=Counter({(each.name, each.file): each.count for each in before}),
        before_samples=sum(each.count for each in before),
        before_cost=_cost([cpu[each] for each in gone if each in cpu], service, requests),
        replaced=bool(gone),
    )


def _functions(profiles: Iterable[Profile]) -> tuple[Function, ...]:
    return functions(stack for profile in profiles for stack in profile.stacks if not is_waiting(stack))


def _cost(processes: list[Series], service: str, requests: Requests | None) -> Cost | None:
    """Of the time in which these processes were there; the first reading's increase began before."""
    if not processes or requests is None:
        return None
    start_ns, end_ns = (int(bound(s.times_ns[at] for s in processes)) for bound, at in ((min, 0), (max, -1)))
    answers, routes = 0, Counter[str]()
    for each in requests.all:
        if each.service == service:
            answers += _count(each.intervals, start_ns, end_ns)
            routes.update({route: _count(parts, start_ns, end_ns) for route, parts in each.routes.items()})
    seconds = sum(float(series.values[1:].sum()) for series in processes)
    return Cost(seconds / answers, answers, routes) if answers and seconds else None


def _count(parts: Iterable[Interval], start_ns: int, end_ns: int) -> int:
    return sum(each.count for each in parts if start_ns <= each.end_ns <= end_ns)
