"""Points summed up by the minute, made from the chunks of finished hours, and read in place of them.

They outlive the points: ranges from before RETENTION_POINT_DAYS are answered from them alone.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnose.store import days
from diagnose.store.blob import CorruptBlob
from diagnose.store.engine.protocol import Sql
from diagnose.store.sql import asking, chunks, hours
from diagnose.store.sql.chunks import HOUR_MS, Points
from diagnose.store.sql.hours import HostHour
from diagnose.store.summaries import (
    MINUTE_MS,
    Coverage,
    Piece,
    Values,
    bucket_begins,
    coverage,
    extremes,
    piece,
)
from diagnose.store.summaryblob import decode_coverages, decode_values, encode_coverage, encode_values

log = logging.getLogger(__name__)
_COVERAGE = "INSERT INTO coverage (host, hour, number, coverage) VALUES (?, ?, ?, ?)"
_SUMMARY = (
    "INSERT INTO summary (series, hour, host, coverage, vals) VALUES (?, ?, ?, ?, ?) ON CONFLICT (series, hour) "
    "DO UPDATE SET host = excluded.host, coverage = excluded.coverage, vals = excluded.vals"
)
_SUMMARIES = (
    "SELECT series, host, hour, coverage, vals FROM summary WHERE series IN ({}) AND hour BETWEEN ? AND ?"
)
_COVERAGES = "SELECT host, hour, number, coverage FROM coverage WHERE host IN ({}) AND hour BETWEEN ? AND ?"


class Sums(NamedTuple):
    """An hour of a host: the distinct coverages, and (series, number of its coverage, values)."""

    coverages: list[bytes]
    values: list[tuple[int, int, bytes]]


def sum_up(points: Mapping[int, Points], hour: int) -> Sums:
    """Of one hour of a host."""
    coverages, found = [], []
    for number, (times, series, values) in enumerate(chunks.by_times(points)):
        covered = coverage(times, MINUTE_MS)
        rows = extremes(values, bucket_begins(times, MINUTE_MS))
        coverages.append(encode_coverage(covered, hour * HOUR_MS))
        blobs = encode_values(rows, covered.counts)
        found += [(one, number, blob) for one, blob in zip(series, blobs, strict=True)]
    return Sums(coverages, found)


def put(sql: Sql, host: int, hour: int, sums: Sums) -> None:
    """In place of what was there of the hour."""
    sql.execute("DELETE FROM coverage WHERE host = ? AND hour = ?", (host, hour))
    sql.executemany(_COVERAGE, [(host, hour, number, blob) for number, blob in enumerate(sums.coverages)])
    sql.executemany(_SUMMARY, [(one, hour, host, number, blob) for one, number, blob in sums.values])


def read_day(
    day: str, series_by_host: Mapping[int, Sequence[int]], first_ms: int, end_ms: int
) -> list[Piece]:
    """Of a half-open span within the day; where no sums of a whole hour hold, from the points."""
    summed, left = hours.readable(day, series_by_host, first_ms, end_ms, hours.WAITING["points"])
    pieces = _stored(day, series_by_host, summed) if summed else []
    for span, hosts in left.items():
        points = chunks.points_of(day, {host: series_by_host[host] for host in hosts}, *span)
        pieces += [each for series, found in points.items() for each in _by_hour(series, *found)]
    return pieces


def _stored(
    day: str, series_by_host: Mapping[int, Sequence[int]], summed: Collection[HostHour]
) -> list[Piece]:
    wanted = [series for of_host in series_by_host.values() for series in of_host]
    between = min(hour for _, hour in summed), max(hour for _, hour in summed)
    with days.reading(day, "rollup") as sql:
        rows = [row for row in asking.many(sql, _SUMMARIES, wanted, between) if row[1:3] in summed]
        coverages = asking.many(sql, _COVERAGES, {host for host, _ in summed}, between)
    covered = _covered(coverages, {row[1:4] for row in rows})
    pieces = []
    for row, values in zip(rows, decode_values([row[4] for row in rows]), strict=True):
        one = covered.get(row[1:4])
        if one is None or isinstance(values, CorruptBlob) or values.shape[1] != len(one.starts_ms):
            log.error("series %d: its sums of hour %d are corrupt and left out: %s", row[0], row[2], values)
        else:
            pieces.append(Piece(row[0], one, values))
    return pieces


def _covered(
    rows: Iterable[Any], used: Collection[tuple[int, int, int]]
) -> dict[tuple[int, int, int], Coverage]:
    wanted = [row for row in rows if row[:3] in used]
    decoded = decode_coverages([row[3] for row in wanted], [row[1] * HOUR_MS for row in wanted])
    found = {}
    for row, one in zip(wanted, decoded, strict=True):
        if isinstance(one, CorruptBlob):
            log.error("the coverage of hour %d of host %d is corrupt: %s", row[1], row[0], one)
        else:
            found[row[:3]] = one
    return found


def _by_hour(series: int, times: NDArray[np.int64], values: Values) -> Iterator[Piece]:
    begins = bucket_begins(times, HOUR_MS).tolist()
    for begin, end in zip(begins, [*begins[1:], len(times)], strict=True):
        yield piece(series, times[begin:end], values[begin:end], MINUTE_MS)
