"""Sealing: the hot rows of an hour become chunks, and those are summed up by the minute.

An hour is read and replaced in one transaction, so points are in hot rows or in chunks, never in both. Late points lie
in hot rows beside the hour's chunks until the next sealing. Each sealing counts up `seals` of the hour; a rollup says
at which count it was made, so it holds exactly while the two are equal and no hot row waits: late points make it stale
without touching it, whoever is killed between the two is caught up with, and two workers at once can do no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

import numpy as np

from diagnose.store import days
from diagnose.store.engine.protocol import Sql
from diagnose.store.pointblob import encode_series, encode_times, encode_values
from diagnose.store.rows import HOUR_NS, NS_PER_SECOND
from diagnose.store.sql import asking, chunks, summaries
from diagnose.store.sql.chunks import Points

GRACE_NS = 120 * NS_PER_SECOND
# The running hour is sealed, too, when reading its hot rows would cost more than reading chunks: a quarter of an hour
# of a batch every ten seconds.
_MOST_HOT_ROWS = 90
_HOT = "DELETE FROM hot WHERE host = ? AND hour = ? RETURNING points"
_CHUNKS = "DELETE FROM chunk WHERE series IN ({}) AND hour = ? RETURNING series, host, hour, times, vals"
_TIMES = "DELETE FROM chunk_times WHERE host = ? AND hour = ? RETURNING host, hour, number, times"
# The first statement of a sealing: whoever seals the same hour beside it waits here, and then sees what it did.
_COUNT = (
    "INSERT INTO sealed (host, hour, seals, series) VALUES (?, ?, 1, ?) "
    "ON CONFLICT (host, hour) DO UPDATE SET seals = sealed.seals + 1"
)
_LIST = "UPDATE sealed SET series = ? WHERE host = ? AND hour = ?"
_NONE = encode_series(np.empty(0, np.uint32))


def seal_day(day: str, now_ns: int) -> int:
    """Seal the day's host-hours that are over or have many hot rows, and sum up those that are over; how many were."""
    last_hour = (now_ns - GRACE_NS) // HOUR_NS - 1
    with days.reading(day, "points") as sql:
        waiting = sql.execute("SELECT host, hour, count(*) FROM hot GROUP BY host, hour").fetchall()
    due = [(host, hour) for host, hour, rows in waiting if hour <= last_hour or rows > _MOST_HOT_ROWS]
    for host, hour in due:
        _seal(day, host, hour)
    stale = summaries.stale(day, last_hour)
    for host, hour in stale:
        summaries.sum_up(day, host, hour)
    if due:
        days.tidy(day, "points")
    if stale:
        days.tidy(day, "rollup")
    return len({*due, *stale})


def _seal(day: str, host: int, hour: int) -> None:
    with days.writing(day, "points") as file:
        sql, where = file.sql, (host, hour)
        sql.execute(_COUNT, (*where, _NONE))
        hot = [row[0] for row in sql.execute(_HOT, where).fetchall()]
        if not hot:  # another worker was here first
            return
        parts = chain(_taken(sql, host, hour), chunks.from_hot(hot, None))
        points = chunks.by_series(parts)
        times, values = _sealed(points)
        sql.executemany(
            "INSERT INTO chunk_times (host, hour, number, times) VALUES (?, ?, ?, ?)",
            [(*where, number, blob) for number, blob in enumerate(times)],
        )
        sql.executemany(
            "INSERT INTO chunk (series, hour, host, times, vals) VALUES (?, ?, ?, ?, ?)",
            [(series, hour, host, number, blob) for series, number, blob in values],
        )
        sql.execute(_LIST, (encode_series(np.array(sorted(points), np.uint32)), *where))


def _taken(sql: Sql, host: int, hour: int) -> Iterator[tuple[int, Points]]:
    """What was sealed of the hour before, taken out."""
    series = chunks.sealed_series(sql, host, hour)
    old = asking.many(sql, _CHUNKS, series, (hour,))
    return chunks.from_chunks(old, sql.execute(_TIMES, (host, hour)).fetchall())


def _sealed(points: Mapping[int, Points]) -> tuple[list[bytes], list[tuple[int, int, bytes]]]:
    """The distinct lists of times, and (series, number of its times, values)."""
    moments, found = [], []
    for number, (times, series, values) in enumerate(chunks.by_times(points)):
        moments.append(encode_times(times))
        found += [(one, number, blob) for one, blob in zip(series, encode_values(values), strict=True)]
    return moments, found
