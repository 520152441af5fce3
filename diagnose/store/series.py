"""Series as the rest of the server asks for them: find, read the raw points, or down-sample for a chart."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from diagnose.models import Series
from diagnose.store import backend, summaries
from diagnose.store.rows import NS_PER_MS, NS_PER_SECOND
from diagnose.store.summaries import LONGEST_STEPS, MINUTE_MS, Aggregate

Points = tuple[NDArray[np.int64], NDArray[np.float64]]
# What was read of some series, cut into buckets: by an aggregate, of those with these ids.
_Cutter = Callable[[Aggregate, Set[int]], dict[int, Points]]

# Readings this far before a range tell the interval that its first increase covers.
_LEAD_NS = 120 * NS_PER_SECOND
_CACHED_LABELS = 20_000
_OF_HOST = f"""
SELECT id, metric, labels, counter FROM {Series._meta.db_table} WHERE host_id = %s AND metric IN ({{metrics}})
"""  # noqa: S608
_EVERY = f"""
SELECT id, host_id, metric, labels, counter FROM {Series._meta.db_table} WHERE host_id IN ({{hosts}})
"""  # noqa: S608
_OF_HOSTS = f"""
SELECT id, host_id, metric, labels, counter FROM {Series._meta.db_table} WHERE metric IN ({{metrics}}) {{hosts}}
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class SeriesRef:
    """A known series. A counter's points are increases since the reading before."""

    id: int
    host_id: int
    metric: str
    labels: Mapping[str, str]
    counter: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A series down-sampled: `times_ns` ascending, only where there was data."""

    ref: SeriesRef
    times_ns: NDArray[np.int64]
    values: NDArray[np.float64]


def find(host_ids: Sequence[int], metric: str, labels: Mapping[str, str] | None = None) -> list[SeriesRef]:
    """The series of a metric that carry all of `labels`; `host_ids` empty means all hosts."""
    rows = Series.objects.filter(metric=metric).order_by("id")
    if host_ids:
        rows = rows.filter(host_id__in=host_ids)
    wanted = set((labels or {}).items())
    return [
        SeriesRef(row.pk, row.host_id, row.metric, row.labels, row.counter)
        for row in rows
        if wanted <= set(row.labels.items())
    ]


def metrics(host_ids: Sequence[int] = ()) -> list[str]:
    """The names of all that was ever measured there, or anywhere."""
    rows = Series.objects.filter(host_id__in=host_ids) if host_ids else Series.objects.all()
    return list(rows.order_by("metric").values_list("metric", flat=True).distinct())


def every_of(host_ids: Collection[int]) -> list[SeriesRef]:
    """All series of some hosts; one query."""
    asked = _EVERY.format(hosts=", ".join(["%s"] * len(host_ids)))
    with connection.cursor() as cursor:
        cursor.execute(asked, list(host_ids))
        rows = cursor.fetchall()
    return [
        SeriesRef(id_, host, metric, _labels(labels), bool(counter))
        for id_, host, metric, labels, counter in rows
    ]


def of_host(host_id: int, metrics: Sequence[str]) -> list[SeriesRef]:
    """The series of some metrics on one host. An evaluation asks for hundreds: past the ORM, in a fifth of its time."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_HOST.format(metrics=", ".join(["%s"] * len(metrics))), [host_id, *metrics])
        rows = cursor.fetchall()
    return [
        SeriesRef(id_, host_id, metric, _labels(labels), bool(counter))
        for id_, metric, labels, counter in rows
    ]


def of_hosts(host_ids: Sequence[int], metrics: Sequence[str]) -> list[SeriesRef]:
    """The series of some metrics on some hosts in one query; `host_ids` empty means all hosts."""
    hosts = f"AND host_id IN ({', '.join(['%s'] * len(host_ids))})" if host_ids else ""
    asked = _OF_HOSTS.format(metrics=", ".join(["%s"] * len(metrics)), hosts=hosts)
    with connection.cursor() as cursor:
        cursor.execute(asked, [*metrics, *host_ids])
        rows = cursor.fetchall()
    return [
        SeriesRef(id_, host_id, metric, _labels(labels), bool(counter))
        for id_, host_id, metric, labels, counter in sorted(rows)
    ]


@lru_cache(_CACHED_LABELS)
def _labels(text: str) -> Mapping[str, str]:
    """Hosts have most of their label sets in common."""
    labels: dict[str, str] = json.loads(text)
    return labels


def read(series: Sequence[SeriesRef], start_ns: int, end_ns: int) -> dict[int, Points]:
    """The points as they came, in order of time, by series id; series without points in the range are absent."""
    return backend.metric_store().read(ids_by_host(series), start_ns, end_ns)


def ids_by_host(series: Sequence[SeriesRef]) -> dict[int, list[int]]:
    by_host: dict[int, list[int]] = defaultdict(list)
    for ref in series:
        by_host[ref.host_id].append(ref.id)
    return by_host


def range_(
    series: Sequence[SeriesRef],
    start_ns: int,
    end_ns: int,
    points: int = 300,
    agg: Aggregate | None = None,
) -> list[Line]:
    """About `points` points a series. Without `agg`, counters become rates per second, gauges averages.

    Where a point of the answer stands for a minute or more, sums by the minute are read instead of the points: the
    same values but for a rate's, whose first reading counts as one usual step.
    """
    by_agg: dict[Aggregate, list[SeriesRef]] = defaultdict(list)
    for ref in series:
        by_agg[agg or ("rate" if ref.counter else "avg")].append(ref)
    found = ranges(by_agg, start_ns, end_ns, points)
    lines = {number: line for lines in found.values() for number, line in lines.items()}
    return [Line(ref, *lines[ref.id]) for ref in series if ref.id in lines]


def ranges(
    wanted: Mapping[Aggregate, Sequence[SeriesRef]], start_ns: int, end_ns: int, points: int = 300
) -> dict[Aggregate, dict[int, Points]]:
    """As `range_`, of several aggregates by series id: what they have in common is read once."""
    every = list({ref.id: ref for refs in wanted.values() for ref in refs}.values())
    close = end_ns - start_ns < points * MINUTE_MS * NS_PER_MS and backend.metric_store().has_points(
        start_ns, end_ns
    )
    cut = _from_points if close else _from_summaries
    cutter = cut(every, start_ns, end_ns, points)
    return {how: cutter(how, {ref.id for ref in refs}) for how, refs in wanted.items()}


def _from_summaries(series: Sequence[SeriesRef], start_ns: int, end_ns: int, points: int) -> _Cutter:
    """In buckets of whole minutes, so that each has the extremes of all of its time and of no other."""
    pieces = backend.metric_store().summaries(ids_by_host(series), start_ns, end_ns)
    minutes = max(1, round((end_ns - start_ns) / points / NS_PER_MS / MINUTE_MS))
    first_ms = start_ns // NS_PER_MS // MINUTE_MS * MINUTE_MS

    def cut(how: Aggregate, chosen: Set[int]) -> dict[int, Points]:
        some = [one for one in pieces if one.series in chosen]
        found = summaries.cut(some, first_ms, -(-end_ns // NS_PER_MS), minutes * MINUTE_MS, how)
        return {number: (times * NS_PER_MS, values) for number, (times, values) in found.items()}

    return cut


def _from_points(series: Sequence[SeriesRef], start_ns: int, end_ns: int, points: int) -> _Cutter:
    found = read(series, start_ns - _LEAD_NS, end_ns)

    def cut(how: Aggregate, chosen: Set[int]) -> dict[int, Points]:
        some = {number: each for number, each in found.items() if number in chosen}
        lines = {number: _downsampled(*each, start_ns, end_ns, points, how) for number, each in some.items()}
        return {number: line for number, line in lines.items() if len(line[0])}

    return cut


def _downsampled(
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    start_ns: int,
    end_ns: int,
    points: int,
    agg: Aggregate,
) -> Points:
    seconds = _covered_seconds(times)
    inside = slice(int(np.searchsorted(times, start_ns)), len(times))
    times, values, seconds = times[inside], values[inside], seconds[inside]
    if agg == "rate":
        known = seconds > 0
        times, values, seconds = times[known], values[known], seconds[known]
    if len(times) <= points:
        return times, values / seconds if agg == "rate" else values
    width = max(NS_PER_MS, -(-(end_ns - start_ns) // points))
    buckets = times // width
    starts = np.flatnonzero(np.diff(buckets, prepend=-1))
    return buckets[starts] * width, _aggregated(values, seconds, starts, agg)


def _aggregated(
    values: NDArray[np.float64], seconds: NDArray[np.float64], starts: NDArray[np.int64], agg: Aggregate
) -> NDArray[np.float64]:
    if agg == "max":
        return np.maximum.reduceat(values, starts)
    if agg == "min":
        return np.minimum.reduceat(values, starts)
    sums = np.add.reduceat(values, starts)
    if agg == "sum":
        return sums
    if agg == "rate":
        return sums / np.add.reduceat(seconds, starts)
    return sums / np.diff(np.append(starts, len(values)))


def _covered_seconds(times: NDArray[np.int64]) -> NDArray[np.float64]:
    """The time since the reading before, in seconds; the usual step where that is missing, 0 where nothing tells."""
    if len(times) < 2:
        return np.zeros(len(times))
    steps = np.diff(times) / NS_PER_SECOND
    positive = steps[steps > 0]
    usual = float(np.median(positive)) if len(positive) else 0.0
    steps = np.concatenate(([usual], steps))
    steps[(steps <= 0) | (steps > LONGEST_STEPS * usual)] = usual
    return steps
