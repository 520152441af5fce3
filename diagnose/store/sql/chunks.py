"""Reading a day's points: from chunks (an hour of a series) and from hot rows (a batch's points of many series)."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnose.store import days
from diagnose.store.blob import CorruptBlob
from diagnose.store.engine.protocol import Sql
from diagnose.store.pointblob import decode_points, decode_times, decode_values
from diagnose.store.rows import HOUR_NS, NS_PER_MS
from diagnose.store.sql import asking

log = logging.getLogger(__name__)
HOUR_MS = HOUR_NS // NS_PER_MS
Points = tuple[NDArray[np.int64], NDArray[np.float64]]
# Decoded at once: enough to pay NumPy's price seldom, few enough to stay in the cache.
_HOT_ROWS = 400
_CHUNKS = "SELECT series, host, hour, times, vals FROM chunk WHERE series IN ({}) AND hour BETWEEN ? AND ?"
_TIMES = "SELECT host, hour, number, times FROM chunk_times WHERE host IN ({}) AND hour BETWEEN ? AND ?"
_HOT = (
    "SELECT points FROM hot WHERE host IN ({}) AND hour BETWEEN ? AND ? AND last_ms >= ? AND first_ms < ? "
    "ORDER BY id"
)


def points_of(
    day: str, series_by_host: Mapping[int, Sequence[int]], first_ms: int, end_ms: int
) -> dict[int, Points]:
    """(times in ms, values) by series, in order of time, of a half-open span within the day."""
    wanted = [series for of_host in series_by_host.values() for series in of_host]
    hours = first_ms // HOUR_MS, (end_ms - 1) // HOUR_MS
    with days.reading(day, "points") as sql:
        chunks = asking.many(sql, _CHUNKS, wanted, hours)
        times = asking.many(sql, _TIMES, series_by_host, hours) if chunks else []
        hot = asking.many(sql, _HOT, series_by_host, (*hours, first_ms, end_ms))
    parts = chain(from_chunks(chunks, times), from_hot([row[0] for row in hot], wanted))
    within = {series: _within(points, first_ms, end_ms) for series, points in by_series(parts).items()}
    return {series: points for series, points in within.items() if len(points[0])}


def _within(points: Points, first_ms: int, end_ms: int) -> Points:
    inside = slice(*np.searchsorted(points[0], (first_ms, end_ms)).tolist())
    return points[0][inside], points[1][inside]


def joined(parts: Sequence[Points]) -> Points:
    """Several parts of one series as one, in order of time."""
    if len(parts) == 1:
        return parts[0]
    times = np.concatenate([part[0] for part in parts])
    values = np.concatenate([part[1] for part in parts])
    if np.all(times[1:] >= times[:-1]):
        return times, values
    order = np.argsort(times, kind="stable")
    return times[order], values[order]


def from_chunks(chunks: Sequence[Any], times: Sequence[Any]) -> Iterator[tuple[int, Points]]:
    """Of rows (series, host, hour, number of times, values) and (host, hour, number, times)."""
    used = {(host, hour, number) for _, host, hour, number, _ in chunks}
    wanted = [row for row in times if row[:3] in used]
    moments = dict(zip((row[:3] for row in wanted), decode_times([row[3] for row in wanted]), strict=True))
    missing = CorruptBlob("its times are missing")
    for row, values in zip(chunks, decode_values([row[4] for row in chunks]), strict=True):
        series, host, hour, number, _ = row
        at = moments.get((host, hour, number), missing)
        if isinstance(at, CorruptBlob) or isinstance(values, CorruptBlob) or len(at) != len(values):
            error = next((one for one in (at, values) if isinstance(one, CorruptBlob)), "its lengths differ")
            log.error("series %d: its chunk of hour %d is corrupt and left out: %s", series, hour, error)
        else:
            yield series, (at, values)


def from_hot(blobs: Sequence[bytes], wanted: Sequence[int] | None) -> Iterator[tuple[int, Points]]:
    """Points by series, in order of time; `wanted` None means every series."""
    for begin in range(0, len(blobs), _HOT_ROWS):
        yield from _split(blobs[begin : begin + _HOT_ROWS], wanted)


def _split(blobs: Sequence[bytes], wanted: Sequence[int] | None) -> Iterator[tuple[int, Points]]:
    columns = []
    for one in decode_points(blobs):
        if isinstance(one, CorruptBlob):
            log.error("a stored row of points is corrupt and left out: %s", one)
        else:
            columns.append(one)
    if not columns:
        return
    series, times, values = (np.concatenate(column) for column in zip(*columns, strict=True))
    if wanted is not None:
        chosen = np.flatnonzero(np.isin(series, np.asarray(wanted, np.uint32)))
        series, times, values = series[chosen], times[chosen], values[chosen]
    if not len(series):
        return
    order = np.lexsort((times, series))
    series, times, values = series[order], times[order], values[order]
    starts = np.flatnonzero(np.diff(series, prepend=-1))
    for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), len(series)], strict=True):
        yield int(series[begin]), (times[begin:end], values[begin:end])


def of_hour(sql: Sql, host: int, hour: int, series: Sequence[int]) -> dict[int, Points]:
    """What is in the chunks of one hour of a host, by series."""
    rows = asking.many(sql, _CHUNKS, series, (hour, hour))
    return by_series(from_chunks(rows, asking.many(sql, _TIMES, [host], (hour, hour))))


def by_series(parts: Iterable[tuple[int, Points]]) -> dict[int, Points]:
    """Parts of many series, joined."""
    found: dict[int, list[Points]] = defaultdict(list)
    for series, points in parts:
        found[series].append(points)
    return {series: joined(of_series) for series, of_series in found.items()}


def by_times(
    points: Mapping[int, Points],
) -> Iterator[tuple[NDArray[np.int64], list[int], NDArray[np.float64]]]:
    """(times, series, a row of values each) of all series that have the same times."""
    alike: dict[bytes, list[int]] = defaultdict(list)
    for series, (times, _) in points.items():
        alike[times.tobytes()].append(series)
    for group in alike.values():
        yield points[group[0]][0], group, np.stack([points[series][1] for series in group])
