"""Sealing: the hot rows of an hour become chunks, and those are summed up.

An hour is read and replaced in one transaction, so what came is in hot rows or sealed, never in both. What comes late
lies in hot rows beside the hour's chunks until the next sealing. Each sealing counts up `seals` of the hour; its sums
say at which count they were made, so they hold exactly while the two are equal and no hot row waits: late data makes
them stale without touching them, whoever is killed between the two is caught up with, and two workers at once can do
no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Literal

import numpy as np

from diagnose.store import days
from diagnose.store.blob import CorruptBlob
from diagnose.store.engine.protocol import Sql
from diagnose.store.pointblob import decode_series, encode_series, encode_times, encode_values
from diagnose.store.rows import HOUR_NS, NS_PER_SECOND
from diagnose.store.sql import asking, chunks, histograms, hours, summaries
from diagnose.store.sql.chunks import Points

log = logging.getLogger(__name__)
GRACE_NS = 120 * NS_PER_SECOND
# The running hour is sealed, too, when reading its hot rows would cost more than reading chunks: a quarter of an hour
# of a batch every ten seconds.
_MOST_HOT_ROWS = 90
_WAITING = ("SELECT host, hour, count(*) FROM {} GROUP BY host, hour", ("hot", "hot_histogram"))
_HOT = "DELETE FROM hot WHERE host = ? AND hour = ? RETURNING points"
_CHUNKS = "DELETE FROM chunk WHERE series IN ({}) AND hour = ? RETURNING series, host, hour, times, vals"
_TIMES = "DELETE FROM chunk_times WHERE host = ? AND hour = ? RETURNING host, hour, number, times"
# The first statement of a sealing: whoever seals the same hour beside it waits here, and then sees what it did.
_COUNT = (
    "INSERT INTO sealed (host, hour, seals, series, histograms) VALUES (?, ?, 1, ?, ?) "
    "ON CONFLICT (host, hour) DO UPDATE SET seals = sealed.seals + 1"
)
_LIST = "UPDATE sealed SET series = ?, histograms = ? WHERE host = ? AND hour = ?"
_LISTED = "SELECT seals, series, histograms FROM sealed WHERE host = ? AND hour = ?"
_SUMMED = (
    "INSERT INTO rolled_up (host, hour, seals, series, histograms) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (host, hour) DO UPDATE "
    "SET seals = excluded.seals, series = excluded.series, histograms = excluded.histograms"
)
_NONE = encode_series(np.empty(0, np.uint32))


def seal_day(day: str, now_ns: int) -> int:
    """Seal the day's host-hours that are over or have many hot rows, and sum up those that are over; how many were."""
    last_hour = (now_ns - GRACE_NS) // HOUR_NS - 1
    due = _due(day, last_hour)
    for host, hour in due:
        _seal(day, host, hour)
    stale = hours.stale(day, last_hour)
    for host, hour in stale:
        _sum_up(day, host, hour)
    if due:
        days.tidy(day, "points")
    if stale:
        days.tidy(day, "rollup")
    return len({*due, *stale})


def _due(day: str, last_hour: int) -> set[hours.HostHour]:
    query, tables = _WAITING
    with days.reading(day, "points") as sql:
        rows = [row for table in tables for row in sql.execute(query.format(table)).fetchall()]
    return {(host, hour) for host, hour, hot in rows if hour <= last_hour or hot > _MOST_HOT_ROWS}


def _seal(day: str, host: int, hour: int) -> None:
    with days.writing(day, "points") as file:
        sql, where = file.sql, (host, hour)
        sql.execute(_COUNT, (*where, _NONE, _NONE))
        _, series, of_histograms = sql.execute(_LISTED, where).fetchone()
        points = _seal_points(sql, host, hour, _listed(sql, "chunk", series, host, hour))
        counted = histograms.seal(sql, host, hour, _listed(sql, "histogram", of_histograms, host, hour))
        sql.execute(_LIST, (_list(points), _list(counted), *where))


def _seal_points(sql: Sql, host: int, hour: int, before: list[int]) -> Iterable[int]:
    hot = [row[0] for row in sql.execute(_HOT, (host, hour)).fetchall()]
    if not hot:
        return before
    old = chunks.from_chunks(
        asking.many(sql, _CHUNKS, before, (hour,)), sql.execute(_TIMES, (host, hour)).fetchall()
    )
    points = chunks.by_series(chain(old, chunks.from_hot(hot, None)))
    times, values = _encoded(points)
    sql.executemany(
        "INSERT INTO chunk_times (host, hour, number, times) VALUES (?, ?, ?, ?)",
        [(host, hour, number, blob) for number, blob in enumerate(times)],
    )
    sql.executemany(
        "INSERT INTO chunk (series, hour, host, times, vals) VALUES (?, ?, ?, ?, ?)",
        [(series, hour, host, number, blob) for series, number, blob in values],
    )
    return points


def _encoded(points: Mapping[int, Points]) -> tuple[list[bytes], list[tuple[int, int, bytes]]]:
    """The distinct lists of times, and (series, number of its times, values)."""
    moments, found = [], []
    for number, (times, series, values) in enumerate(chunks.by_times(points)):
        moments.append(encode_times(times))
        found += [(one, number, blob) for one, blob in zip(series, encode_values(values), strict=True)]
    return moments, found


def _sum_up(day: str, host: int, hour: int) -> None:
    """Make the sums of an hour anew from its chunks."""
    with days.reading(day, "points") as sql:
        listed = sql.execute(_LISTED, (host, hour)).fetchone()
        points = chunks.of_hour(sql, host, hour, _listed(sql, "chunk", listed[1], host, hour))
        counted = histograms.sum_up(sql, host, hour, _listed(sql, "histogram", listed[2], host, hour))
    sums = summaries.sum_up(points, hour)
    days.ensure(day, "rollup")
    with days.writing(day, "rollup") as file:
        file.sql.execute(_SUMMED, (host, hour, *listed))  # first: whoever sums up the same hour waits here
        summaries.put(file.sql, host, hour, sums)
        histograms.put(file.sql, counted)


def _list(series: Iterable[int]) -> bytes:
    return encode_series(np.array(sorted(series), np.uint32))


def _listed(sql: Sql, table: Literal["chunk", "histogram"], blob: bytes, host: int, hour: int) -> list[int]:
    """Which series have a row of the hour: the tables lie by series, to find them there is to read all of it."""
    try:
        found: list[int] = decode_series(blob).tolist()
    except CorruptBlob as error:
        log.error("the list of series of hour %d of host %d is corrupt: %s", hour, host, error)
        query = f"SELECT DISTINCT series FROM {table} WHERE host = ? AND hour = ?"  # noqa: S608 — one of two names
        found = [one for (one,) in sql.execute(query, (host, hour))]
    return found
