"""A day's histograms: hot rows (a batch's of one scheme), sealed ones (an hour of one series), and sums by the hour."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from diagnose.store import days, intervals
from diagnose.store.blob import CorruptBlob
from diagnose.store.engine.protocol import Sql
from diagnose.store.intervals import Intervals
from diagnose.store.rows import NS_PER_MS, HistogramRow
from diagnose.store.sql import asking, hours
from diagnose.store.sql.hours import HOUR_MS

log = logging.getLogger(__name__)
ByScheme = dict[str, Intervals]
SeriesRow = tuple[int, int, str, int, bytes]
_OF_SERIES = "FROM histogram WHERE series IN ({}) AND hour BETWEEN ? AND ?"
_SEALED = f"SELECT scheme, intervals {_OF_SERIES}"
_TAKE = f"DELETE {_OF_SERIES} RETURNING scheme, intervals"
_HOT = "SELECT scheme, intervals FROM hot_histogram WHERE host IN ({}) AND hour BETWEEN ? AND ? ORDER BY id"
_TAKE_HOT = "DELETE FROM hot_histogram WHERE host = ? AND hour = ? RETURNING scheme, intervals"
_PUT = "INSERT INTO histogram (series, hour, scheme, host, intervals) VALUES (?, ?, ?, ?, ?)"
_SUMS = (
    "SELECT scheme, intervals, host, hour FROM histogram_sum WHERE series IN ({}) AND hour BETWEEN ? AND ?"
)
_PUT_SUM = (
    "INSERT INTO histogram_sum (series, hour, scheme, host, intervals) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (series, hour, scheme) DO UPDATE SET host = excluded.host, intervals = excluded.intervals"
)


def hot_rows(
    host_id: int, rows: Sequence[HistogramRow]
) -> Iterator[tuple[int, int, tuple[int, int, str, bytes]]]:
    """(hour, number of histograms, row) for each hour and scheme."""
    alike: dict[tuple[int, str], list[HistogramRow]] = defaultdict(list)
    for row in rows:
        alike[row.time_ns // NS_PER_MS // HOUR_MS, row.scheme].append(row)
    for (hour, scheme), group in alike.items():
        blob = intervals.encode(intervals.in_order(_columns(group)))
        yield hour, len(group), (host_id, hour, scheme, blob)


def _columns(rows: Sequence[HistogramRow]) -> Intervals:
    return Intervals(
        np.array([row.series_id for row in rows], np.uint32),
        np.array([row.time_ns // NS_PER_MS for row in rows], np.int64),
        np.array([row.sum for row in rows], np.float64),
        np.array([len(row.buckets) for row in rows], np.int64),
        np.concatenate([row.buckets for row in rows]).astype(np.int64),
        np.concatenate([row.counts for row in rows]),
    )


def read_day(
    day: str, series_by_host: Mapping[int, Sequence[int]], first_ms: int, end_ms: int, hourly: bool
) -> ByScheme:
    """Of a half-open span within the day. `hourly`: whole hours may be one interval that begins with the hour."""
    wanted = [series for of_host in series_by_host.values() for series in of_host]
    found: list[tuple[str, bytes]] = []
    left: Mapping[hours.Span, list[int]] = {(first_ms, end_ms): list(series_by_host)}
    if hourly or not days.holds(day, "points"):
        summed, left = hours.readable(day, series_by_host, first_ms, end_ms, hours.WAITING["histograms"])
        found += _sums(day, wanted, summed)
    parts = [_by_scheme(found)]
    for span, hosts in left.items():
        some = [series for host in hosts for series in series_by_host[host]]
        parts.append(_within(_by_scheme(_as_they_came(day, hosts, some, span)), some, span))
    return joined(parts)


def _sums(day: str, wanted: Sequence[int], summed: set[hours.HostHour]) -> list[tuple[str, bytes]]:
    if not summed:
        return []
    between = min(hour for _, hour in summed), max(hour for _, hour in summed)
    with days.reading(day, "rollup") as sql:
        rows = asking.many(sql, _SUMS, wanted, between)
    return [(scheme, blob) for scheme, blob, *where in rows if tuple(where) in summed]


def _as_they_came(
    day: str, hosts: Sequence[int], wanted: Sequence[int], span: hours.Span
) -> list[tuple[str, bytes]]:
    between = span[0] // HOUR_MS, (span[1] - 1) // HOUR_MS
    with days.reading(day, "points") as sql:
        return asking.many(sql, _SEALED, wanted, between) + asking.many(sql, _HOT, hosts, between)


def _within(found: ByScheme, wanted: Sequence[int], span: hours.Span) -> ByScheme:
    series = np.array(wanted, np.uint32)
    return {
        scheme: all_.where(
            (all_.times_ms >= span[0]) & (all_.times_ms < span[1]) & np.isin(all_.series, series)
        )
        for scheme, all_ in found.items()
    }


def joined(parts: Iterable[ByScheme]) -> ByScheme:
    """By scheme, in order of series and time."""
    by_scheme: dict[str, list[Intervals]] = defaultdict(list)
    for part in parts:
        for scheme, all_ in part.items():
            if len(all_.series):
                by_scheme[scheme].append(all_)
    return {scheme: intervals.in_order(intervals.joined(all_)) for scheme, all_ in by_scheme.items()}


def _by_scheme(rows: Iterable[tuple[str, bytes]]) -> ByScheme:
    parts = []
    for scheme, blob in rows:
        try:
            parts.append({scheme: intervals.decode(blob)})
        except CorruptBlob as error:
            log.error("a stored row of histograms of %s is corrupt and left out: %s", scheme, error)
    return joined(parts)


def seal(sql: Sql, host: int, hour: int, before: Sequence[int]) -> set[int]:
    """Make the hour's hot rows, and what was sealed of the series `before`, one row a series; which series have one."""
    hot = sql.execute(_TAKE_HOT, (host, hour)).fetchall()
    if not hot:
        return set(before)
    found = _by_scheme([*asking.many(sql, _TAKE, before, (hour, hour)), *hot])
    rows = list(_rows(found, host, hour))
    sql.executemany(_PUT, rows)
    return {row[0] for row in rows}


def sum_up(sql: Sql, host: int, hour: int, series: Sequence[int]) -> list[SeriesRow]:
    """One interval a series, of all that is sealed of one hour of a host."""
    summed = {}
    for scheme, all_ in _by_scheme(asking.many(sql, _SEALED, series, (hour, hour))).items():
        _, added = intervals.added_up(all_, all_.series.astype(np.int64))
        summed[scheme] = added._replace(times_ms=np.full(len(added.series), hour * HOUR_MS))
    return list(_rows(summed, host, hour))


def put(sql: Sql, rows: Sequence[SeriesRow]) -> None:
    sql.executemany(_PUT_SUM, rows)


def _rows(found: ByScheme, host: int, hour: int) -> Iterator[SeriesRow]:
    for scheme, all_ in found.items():
        for series in np.unique(all_.series).tolist():
            yield series, hour, scheme, host, intervals.encode(all_.where(all_.series == series))
