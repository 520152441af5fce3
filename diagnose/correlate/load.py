"""Reads one host's window from the store. This and `history` alone know that there is a store."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, lru_cache

from diagnose.correlate import history
from diagnose.correlate.attribution import functions, is_blocked_in_own_code, is_waiting
from diagnose.correlate.catalogue import all_rules
from diagnose.correlate.samples import Frame, Histogram, ProbeFailure, Profile, Samples, Series, Stack
from diagnose.models.host import Host
from diagnose.store import facts, flamegraph, histograms, hosts, profiles
from diagnose.store import series as store

# Stacks are dear to read: only of processes that used this many cores over the whole window (a fault that began in
# its last quarter is in it), whose accept queue was ever half full, or whose service answers requests.
_BUSY_CORES = 0.1
_MOST_PROCESSES = 8
# The heaviest stacks: what is rarer than the 1,000th decides nothing.
_MOST_STACKS = 1000
_PROFILES = ("cpu", "gil", "wall")
# Compared with the day before is only what uses so much: a day is dear to read, and kept for an hour.
_COMPARED_CORES, _MOST_COMPARED, _MOST_FUNCTIONS = 0.2, 3, 200
_HOUR_NS = 3600 * 10**9
_ANSWERED = "http_server_seconds"
# s; probes tell histograms ten seconds apart
_HISTOGRAM_SECONDS = 5.0
# Few, and of programs that tell them only.
_GO_PROFILES = ("goroutine", "mutex", "cpu")


def window(host: Host, start: datetime, end: datetime, wanted: Sequence[str] | None = None) -> Samples | None:
    """What was measured from `start` on, of the metrics that rules read unless others are `wanted`; it ends with the
    last reading. None when there was none."""
    start_ns, end_ns = _ns(start), _ns(end) + 1
    found = _series(host, metrics() if wanted is None else wanted, start_ns, end_ns)
    if not found:
        return None
    every = [each for group in found.values() for each in group]
    first_ns = min(int(each.times_ns[0]) for each in every)
    last_ns = max(int(each.times_ns[-1]) for each in every)
    counted = _histograms(host, histogram_metrics() if wanted is None else wanted, start_ns, end_ns)
    samples = Samples(host.name, first_ns, last_ns, found, histograms=counted)
    return Samples(
        host.name,
        first_ns,
        last_ns,
        found,
        {fact.name: fact.value for fact in facts.facts(host.pk)},
        tuple(_profiles(host, samples, start_ns, end_ns)),
        tuple(ProbeFailure(each.probe, each.reason) for each in hosts.probes(host.pk) if not each.ok),
        counted,
        history.outlooks(host.pk, end),
        tuple(_baselines(host, samples, start_ns)),
    )


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6) * 1000


@cache
def metrics() -> tuple[str, ...]:
    """All that any rule's signal reads."""
    return _named("READS")


@cache
def histogram_metrics() -> tuple[str, ...]:
    """The same of histograms."""
    return _named("HISTOGRAMS")


def _named(kind: str) -> tuple[str, ...]:
    modules = {sys.modules[need.signal.__module__] for rule in all_rules() for need in rule.needs}
    return tuple(sorted({name for module in modules for name in getattr(module, kind, ())}))


def _series(host: Host, wanted: Sequence[str], start_ns: int, end_ns: int) -> dict[str, tuple[Series, ...]]:
    refs = store.of_host(host.pk, wanted)
    points = store.read(refs, start_ns, end_ns)
    found: dict[str, list[Series]] = {}
    for ref in refs:
        if ref.id in points:
            series = Series(ref.metric, ref.labels, *points[ref.id], ref.counter).known()
            if len(series.values):
                found.setdefault(ref.metric, []).append(series)
    return {metric: tuple(group) for metric, group in found.items()}


def _histograms(
    host: Host, wanted: Sequence[str], start_ns: int, end_ns: int
) -> dict[str, tuple[Histogram, ...]]:
    refs = store.of_host(host.pk, wanted) if wanted else []
    points = max(1, round((end_ns - start_ns) / 1e9 / _HISTOGRAM_SECONDS))
    found: dict[str, list[Histogram]] = {}
    for ref, maps in zip(
        refs, histograms.over_time([[ref] for ref in refs], start_ns, end_ns, points), strict=True
    ):
        for each in maps:
            one = Histogram(ref.metric, ref.labels, each.times_ns, each.edges, each.counts, each.sums)
            found.setdefault(ref.metric, []).append(one)
    return {metric: tuple(group) for metric, group in found.items()}


def _profiles(host: Host, samples: Samples, start_ns: int, end_ns: int) -> Iterable[Profile]:
    wanted = [(pid, service, kind, False) for pid, service in _asked_about(samples) for kind in _PROFILES]
    wanted += [(pid, service, kind, True) for pid, service in _go_programs(samples) for kind in _GO_PROFILES]
    for pid, service, kind, native in wanted:
        selector = profiles.Selector(service, kind, (host.pk,), {"pid": str(pid)})
        merged = profiles.merge(selector, start_ns, end_ns)
        if len(merged.stack_ids):
            yield _profile(service, pid, kind, merged, native)


def _baselines(host: Host, samples: Samples, start_ns: int) -> Iterable[Profile]:
    """The day before, of services that are busy now."""
    busy = [
        service for pid, service in _asked_about(samples) if _cores(samples).get(pid, 0.0) >= _COMPARED_CORES
    ]
    for service in list(dict.fromkeys(busy))[:_MOST_COMPARED]:
        found = _baseline(host.pk, service, start_ns // _HOUR_NS)
        if found.count:
            yield found


@lru_cache(256)
def _baseline(host_id: int, service: str, hour: int) -> Profile:
    """Of this host up to that hour, or, where it has none, of all that run the service; by own function."""
    start_ns, end_ns = (hour - 24) * _HOUR_NS, hour * _HOUR_NS
    for of_hosts in ((host_id,), ()):
        merged = profiles.merge(profiles.Selector(service, "cpu", of_hosts), start_ns, end_ns)
        if len(merged.stack_ids):
            break
    whole = _profile(service, 0, "cpu", merged)
    working = functions(stack for stack in whole.stacks if not is_waiting(stack))[:_MOST_FUNCTIONS]
    stacks = (Stack("", (Frame(each.name, each.file, each.line),), each.count) for each in working)
    return replace(whole, stacks=tuple(stacks))


def own_code_ratio(host_id: int, service: str, start_ns: int, end_ns: int) -> float | None:
    """Of the time of all threads of a sampled service the share in which its own code was on top; None unsampled."""
    merged = profiles.merge(profiles.Selector(service, "wall", (host_id,)), start_ns, end_ns)
    found = _profile(service, 0, "wall", merged)
    own = sum(stack.count for stack in found.stacks if is_blocked_in_own_code(stack))
    return own / found.count if found.count else None


def _profile(service: str, pid: int, kind: str, merged: profiles.Merged, native: bool = False) -> Profile:
    stacks = tuple(
        Stack(row.thread, tuple(Frame(*frame) for frame in row.frames), row.count)
        for row in flamegraph.stacks(service, merged, _MOST_STACKS)
        if row.frames
    )
    return Profile(service, pid, kind, merged.period_ns, merged.seconds, stacks, native)


def _asked_about(samples: Samples) -> list[tuple[int, str]]:
    """Sampled processes that are busy, serve, or have a queue; those with a queue and the busiest first."""
    cores = _cores(samples)
    limits = {_where(each.labels): each.last for each in samples.of("listener_accept_queue_limit")}
    queued = {
        int(each.labels["pid"])
        for each in samples.of("listener_accept_queue_length")
        if each.labels.get("pid") and each.values.max() > limits.get(_where(each.labels), float("inf")) / 2
    }
    sampled = samples.by_process("python_gil_held_ratio") | samples.by_process("python_active_threads")
    serving = {each.labels.get("service", "") for each in samples.histograms_of(_ANSWERED)}
    wanted = [
        pid
        for pid, series in sampled.items()
        if pid in queued or cores.get(pid, 0.0) >= _BUSY_CORES or series.labels.get("service", "") in serving
    ]
    wanted.sort(key=lambda pid: (pid not in queued, -cores.get(pid, 0.0)))
    return [(pid, sampled[pid].labels.get("service", "")) for pid in wanted[:_MOST_PROCESSES]]


def _cores(samples: Samples) -> dict[int, float]:
    """Used over the whole window, by pid."""
    return {
        pid: series.total / samples.seconds if samples.seconds else 0.0
        for pid, series in samples.by_process("process_cpu_seconds_total").items()
    }


def _go_programs(samples: Samples) -> list[tuple[int, str]]:
    """Those that are busy or tell of themselves, the busiest first."""
    told, cores = samples.by_process("go_goroutines"), _cores(samples)
    found = {
        pid: each.labels.get("service", "")
        for pid, each in samples.by_process("process_info").items()
        if each.labels.get("runtime") == "go" and (pid in told or cores.get(pid, 0.0) >= _BUSY_CORES)
    }
    wanted = sorted(found, key=lambda pid: -cores.get(pid, 0.0))
    return [(pid, found[pid]) for pid in wanted[:_MOST_PROCESSES]]


def _where(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())
