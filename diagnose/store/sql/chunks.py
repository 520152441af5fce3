"""Reading and sealing a day's points: hot rows (a batch's points of many series) become chunks (an hour of one).

Sealing reads and replaces an hour in one transaction, so points are in hot rows or in chunks, never in both. Late
points lie in hot rows beside the hour's chunks until the next sealing.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from diagnose.store import days
from diagnose.store.blob import CorruptBlob
from diagnose.store.engine.protocol import Sql
from diagnose.store.pointblob import (
    decode_points,
    decode_times,
    decode_values,
    encode_times,
    encode_values,
)
from diagnose.store.rows import DAY_NS, HOUR_NS, NS_PER_MS, NS_PER_SECOND

log = logging.getLogger(__name__)
HOUR_MS = HOUR_NS // NS_PER_MS
GRACE_NS = 120 * NS_PER_SECOND
Points = tuple[NDArray[np.int64], NDArray[np.float64]]
Columns = tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.float64]]


def read_day(
    day: str, series_by_host: Mapping[int, Sequence[int]], start_ns: int, end_ns: int
) -> Iterator[tuple[int, Points]]:
    """(series, points in ns) piece by piece; a piece is in order of time."""
    begin = days.start_of(day)
    first_ms = -(-max(start_ns, begin) // NS_PER_MS)
    end_ms = -(-min(end_ns, begin + DAY_NS) // NS_PER_MS)
    for host, wanted in series_by_host.items():
        with days.reading(day, "points") as sql:
            chunks, times, hot = _fetch(sql, host, wanted, first_ms, end_ms)
        for series, points in [*_from_chunks(chunks, times), *_from_hot(hot, wanted)]:
            inside = slice(*np.searchsorted(points[0], (first_ms, end_ms)).tolist())
            if inside.start < inside.stop:
                yield series, (points[0][inside] * NS_PER_MS, points[1][inside])


_Chunks = list[tuple[int, int, int, bytes]]
_Times = dict[tuple[int, int], bytes]


def _fetch(
    sql: Sql, host: int, wanted: Sequence[int], first_ms: int, end_ms: int
) -> tuple[_Chunks, _Times, list[bytes]]:
    hours = first_ms // HOUR_MS, (end_ms - 1) // HOUR_MS
    times = sql.execute(
        "SELECT hour, number, times FROM chunk_times WHERE host = ? AND hour BETWEEN ? AND ?", (host, *hours)
    ).fetchall()
    chunks: _Chunks = []
    for series in wanted if times else ():
        chunks += sql.execute(
            "SELECT series, hour, times, vals FROM chunk WHERE series = ? AND hour BETWEEN ? AND ?",
            (series, *hours),
        ).fetchall()
    hot = sql.execute(
        "SELECT points FROM hot WHERE host = ? AND hour BETWEEN ? AND ? AND last_ms >= ? AND first_ms < ?",
        (host, *hours, first_ms, end_ms),
    ).fetchall()
    return chunks, {(hour, number): blob for hour, number, blob in times}, [row[0] for row in hot]


def _from_chunks(chunks: _Chunks, times: _Times) -> Iterator[tuple[int, Points]]:
    decoded: dict[tuple[int, int], NDArray[np.int64]] = {}
    for series, hour, number, blob in chunks:
        try:
            if (hour, number) not in decoded:
                decoded[hour, number] = decode_times(times[hour, number])
            values = decode_values(blob)
        except CorruptBlob as error:
            log.error("series %d: its chunk of hour %d is corrupt and left out: %s", series, hour, error)
            continue
        yield series, (decoded[hour, number], values)


def _from_hot(blobs: Sequence[bytes], wanted: Sequence[int] | None) -> Iterator[tuple[int, Points]]:
    """Points by series, in order of time; `wanted` None means every series."""
    columns = [one for one in map(_decoded, blobs) if one is not None]
    if not columns:
        return
    series, times, values = (np.concatenate(column) for column in zip(*columns, strict=True))
    if wanted is not None:
        chosen = np.flatnonzero(np.isin(series, np.asarray(wanted, np.uint32)))
        series, times, values = series[chosen], times[chosen], values[chosen]
    order = np.lexsort((times, series))
    series, times, values = series[order], times[order], values[order]
    starts = np.flatnonzero(np.diff(series, prepend=-1))
    for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), len(series)], strict=True):
        yield int(series[begin]), (times[begin:end], values[begin:end])


def _decoded(blob: bytes) -> Columns | None:
    try:
        return decode_points(blob)
    except CorruptBlob as error:
        log.error("a stored row of points is corrupt and left out: %s", error)
        return None


def seal_day(day: str, now_ns: int) -> int:
    """Seal every host-hour of the day that is over and has hot rows; how many were."""
    last_hour = (now_ns - GRACE_NS) // HOUR_NS - 1
    with days.reading(day, "points") as sql:
        waiting = sql.execute("SELECT DISTINCT host, hour FROM hot WHERE hour <= ?", (last_hour,)).fetchall()
    for host, hour in waiting:
        _seal(day, host, hour)
    if waiting:
        days.tidy(day, "points")
    return len(waiting)


def _seal(day: str, host: int, hour: int) -> None:
    with days.writing(day, "points") as file:
        sql, where = file.sql, (host, hour)
        taken = sql.execute("DELETE FROM hot WHERE host = ? AND hour = ? RETURNING points", where).fetchall()
        hot = [row[0] for row in taken]
        if not hot:  # another worker was here first
            return
        times, chunks = _sealed(_pieces(sql, host, hour, hot))
        if sql.execute("DELETE FROM chunk_times WHERE host = ? AND hour = ?", where).rowcount:
            sql.execute("DELETE FROM chunk WHERE host = ? AND hour = ?", where)
        sql.executemany(
            "INSERT INTO chunk_times (host, hour, number, times) VALUES (?, ?, ?, ?)",
            [(*where, n, blob) for n, blob in enumerate(times)],
        )
        sql.executemany(
            "INSERT INTO chunk (series, hour, host, times, vals) VALUES (?, ?, ?, ?, ?)",
            [(series, hour, host, number, blob) for series, number, blob in chunks],
        )


def _pieces(sql: Sql, host: int, hour: int, hot: list[bytes]) -> dict[int, list[Points]]:
    """Everything known of the hour, by series: what was sealed before and what came since."""
    pieces: dict[int, list[Points]] = defaultdict(list)
    times = sql.execute("SELECT number, times FROM chunk_times WHERE host = ? AND hour = ?", (host, hour))
    known = {(hour, number): blob for number, blob in times.fetchall()}
    if known:
        chunks = sql.execute(
            "SELECT series, hour, times, vals FROM chunk WHERE hour = ? AND host = ?", (hour, host)
        )
        for series, points in _from_chunks(chunks.fetchall(), known):
            pieces[series].append(points)
    for series, points in _from_hot(hot, None):
        pieces[series].append(points)
    return pieces


def _sealed(pieces: dict[int, list[Points]]) -> tuple[list[bytes], list[tuple[int, int, bytes]]]:
    """The distinct lists of times, and (series, number of its times, values)."""
    numbers: dict[bytes, int] = {}
    chunks = []
    for series, parts in pieces.items():
        times = np.concatenate([part[0] for part in parts])
        values = np.concatenate([part[1] for part in parts])
        if len(parts) > 1:
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
        number = numbers.setdefault(times.tobytes(), len(numbers))
        chunks.append((series, number, encode_values(values)))
    return [encode_times(np.frombuffer(raw, np.int64)) for raw in numbers], chunks
