"""`MetricStore` in SQL: hot rows of a batch's points, sealed hourly into one chunk a series."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from diagnose.store import applied, days
from diagnose.store.intervals import Intervals
from diagnose.store.pointblob import encode_points
from diagnose.store.rows import DAY_NS, HOUR_NS, NS_PER_MS, BatchKey, MetricBatch, PointColumns
from diagnose.store.sql import chunks, histograms, hours, sealing, summaries
from diagnose.store.sql.chunks import HOUR_MS, Points
from diagnose.store.summaries import Piece

_HotRow = tuple[int, int, int, int, bytes]
_HotHistogram = tuple[int, int, str, bytes]
_ADD_HOT = "INSERT INTO hot (host, hour, first_ms, last_ms, points) VALUES (?, ?, ?, ?, ?)"
_ADD_HISTOGRAM = "INSERT INTO hot_histogram (host, hour, scheme, intervals) VALUES (?, ?, ?, ?)"


class SqlMetricStore:
    """Holds no state of its own: the engine has the connections."""

    def append(self, batches: Sequence[MetricBatch]) -> list[int]:
        expired = [0] * len(batches)
        of_day: dict[str, dict[int, _DayRows]] = defaultdict(dict)
        for index, batch in enumerate(batches):
            for day, rows in _by_day(batch).items():
                of_day[day][index] = rows
        now_ns = time.time_ns()
        for day, parts in sorted(of_day.items()):
            if days.takes(day, "points", now_ns):
                _append_to(day, list(parts.values()))
            else:
                for index, rows in parts.items():
                    expired[index] += rows.items
        return expired

    def read(
        self, series_by_host: Mapping[int, Sequence[int]], start_ns: int, end_ns: int
    ) -> dict[int, Points]:
        parts: dict[int, list[Points]] = defaultdict(list)
        for day in days.days_between(start_ns, end_ns, "points"):
            span = _within(day, start_ns, end_ns)
            for series, points in chunks.points_of(day, series_by_host, *span).items():
                parts[series].append(points)
        joined = {series: chunks.joined(found) for series, found in parts.items()}
        return {series: (times * NS_PER_MS, values) for series, (times, values) in joined.items()}

    def has_points(self, start_ns: int, end_ns: int) -> bool:
        return all(
            days.holds(day, "points") for day in days.days_between(start_ns, end_ns, "points", "rollup")
        )

    def summaries(
        self, series_by_host: Mapping[int, Sequence[int]], start_ns: int, end_ns: int
    ) -> list[Piece]:
        pieces = []
        for day in days.days_between(start_ns, end_ns, "points", "rollup"):
            pieces += summaries.read_day(day, series_by_host, *_within(day, start_ns, end_ns))
        return sorted(pieces, key=lambda one: (one.series, one.coverage.first_ms))

    def histograms(
        self, series_by_host: Mapping[int, Sequence[int]], start_ns: int, end_ns: int, hourly: bool
    ) -> dict[str, Intervals]:
        return histograms.joined(
            histograms.read_day(day, series_by_host, *_within(day, start_ns, end_ns), hourly)
            for day in days.days_between(start_ns, end_ns, "points", "rollup")
        )

    def series_in_use(self) -> set[int]:
        return hours.series_in_use()

    def seal(self, now_ns: int) -> int:
        return sum(sealing.seal_day(day, now_ns) for day in days.stored_days("points"))


@dataclass(slots=True)
class _DayRows:
    """What of one batch goes into one day, encoded; `items` is how many points and histograms that are."""

    batch: BatchKey
    hot: list[_HotRow] = field(default_factory=list)
    items: int = 0
    histograms: list[_HotHistogram] = field(default_factory=list)


def _by_day(batch: MetricBatch) -> dict[str, _DayRows]:
    found: dict[str, _DayRows] = {}
    for hour, points, row in _hot_rows(batch.key.host_id, batch.points):
        rows = found.setdefault(days.day_of(hour * HOUR_NS), _DayRows(batch.key))
        rows.hot.append(row)
        rows.items += points
    for hour, number, counted in histograms.hot_rows(batch.key.host_id, batch.histograms):
        rows = found.setdefault(days.day_of(hour * HOUR_NS), _DayRows(batch.key))
        rows.histograms.append(counted)
        rows.items += number
    return found


def _hot_rows(host_id: int, points: PointColumns) -> Iterator[tuple[int, int, _HotRow]]:
    """(hour, number of points, row) for each hour that the points touch; usually one."""
    times_ms = points.times_ns // NS_PER_MS
    hours = times_ms // HOUR_MS
    for hour in np.unique(hours).tolist():
        chosen = np.flatnonzero(hours == hour)
        order = chosen[np.lexsort((times_ms[chosen], points.series[chosen]))]
        inside = times_ms[order]
        blob = encode_points(points.series[order], inside, points.values[order])
        yield hour, len(order), (host_id, hour, int(inside.min()), int(inside.max()), blob)


def _append_to(day: str, of_batches: Sequence[_DayRows]) -> None:
    days.begin(day, "points")
    with days.writing(day, "points") as file:
        named = {rows.batch.name: rows for rows in of_batches}
        claimed = applied.claim(file.sql, [named[name].batch for name in sorted(named)], "series")
        new = [named[name] for name in sorted(claimed)]
        file.sql.executemany(_ADD_HOT, [row for rows in new for row in rows.hot])
        file.sql.executemany(_ADD_HISTOGRAM, [row for rows in new for row in rows.histograms])


def _within(day: str, start_ns: int, end_ns: int) -> tuple[int, int]:
    """The part of a range that lies in the day, in milliseconds."""
    begin_ns = days.start_of(day)
    first, end = max(start_ns, begin_ns), min(end_ns, begin_ns + DAY_NS)
    return -(-first // NS_PER_MS), -(-end // NS_PER_MS)
