"""Reads one host's window from the store. This and `history` alone know that there is a store."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

from diagnose.correlate import history
from diagnose.correlate.attribution import is_blocked_in_own_code
from diagnose.correlate.catalogue import all_rules
from diagnose.correlate.samples import Frame, Histogram, ProbeFailure, Profile, Samples, Series, Stack
from diagnose.models.host import Host
from diagnose.store import facts, flamegraph, histograms, hosts, profiles
from diagnose.store import series as store

# Stacks are dear to read: only of processes that used this many cores over the whole window (a fault that began in
# its last quarter is in it), or whose accept queue was ever half full.
_BUSY_CORES = 0.1
_MOST_PROCESSES = 8
# The heaviest stacks: what is rarer than the 1,000th decides nothing.
_MOST_STACKS = 1000
_PROFILES = ("cpu", "gil", "wall")
# s; probes tell histograms ten seconds apart
_HISTOGRAM_SECONDS = 5.0


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
    samples = Samples(host.name, first_ns, last_ns, found)
    return Samples(
        host.name,
        first_ns,
        last_ns,
        found,
        {fact.name: fact.value for fact in facts.facts(host.pk)},
        tuple(_profiles(host, samples, start_ns, end_ns)),
        tuple(ProbeFailure(each.probe, each.reason) for each in hosts.probes(host.pk) if not each.ok),
        _histograms(host, histogram_metrics() if wanted is None else wanted, start_ns, end_ns),
        history.outlooks(host.pk, end),
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
    for pid, service in _asked_about(samples):
        for kind in _PROFILES:
            selector = profiles.Selector(service, kind, (host.pk,), {"pid": str(pid)})
            merged = profiles.merge(selector, start_ns, end_ns)
            if len(merged.stack_ids):
                yield _profile(service, pid, kind, merged)


def own_code_ratio(host_id: int, service: str, start_ns: int, end_ns: int) -> float | None:
    """Of the time of all threads of a sampled service the share in which its own code was on top; None unsampled."""
    merged = profiles.merge(profiles.Selector(service, "wall", (host_id,)), start_ns, end_ns)
    found = _profile(service, 0, "wall", merged)
    own = sum(stack.count for stack in found.stacks if is_blocked_in_own_code(stack))
    return own / found.count if found.count else None


def _profile(service: str, pid: int, kind: str, merged: profiles.Merged) -> Profile:
    stacks = tuple(
        Stack(row.thread, tuple(Frame(*frame) for frame in row.frames), row.count)
        for row in flamegraph.stacks(service, merged, _MOST_STACKS)
        if row.frames
    )
    return Profile(service, pid, kind, merged.period_ns, merged.seconds, stacks)


def _asked_about(samples: Samples) -> list[tuple[int, str]]:
    """Sampled processes that are busy or have a queue, the busiest first."""
    cores = {
        pid: series.total / samples.seconds if samples.seconds else 0.0
        for pid, series in samples.by_process("process_cpu_seconds_total").items()
    }
    limits = {_where(each.labels): each.last for each in samples.of("listener_accept_queue_limit")}
    queued = {
        int(each.labels["pid"])
        for each in samples.of("listener_accept_queue_length")
        if each.labels.get("pid") and each.values.max() > limits.get(_where(each.labels), float("inf")) / 2
    }
    sampled = samples.by_process("python_gil_held_ratio") | samples.by_process("python_active_threads")
    wanted = [pid for pid in sampled if pid in queued or cores.get(pid, 0.0) >= _BUSY_CORES]
    wanted.sort(key=lambda pid: (pid not in queued, -cores.get(pid, 0.0)))
    return [(pid, sampled[pid].labels.get("service", "")) for pid in wanted[:_MOST_PROCESSES]]


def _where(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())
