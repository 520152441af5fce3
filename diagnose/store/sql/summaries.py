"""Points summed up by the minute, made from the chunks of finished hours, and read in place of them.

They outlive the points: ranges from before RETENTION_POINT_DAYS are answered from them alone.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnose.store import days
from diagnose.store.blob import CorruptBlob
from diagnose.store.sql import asking, chunks
from diagnose.store.sql.chunks import HOUR_MS, Points
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
_HostHour = tuple[int, int]
_ROLLED_UP = (
    "INSERT INTO rolled_up (host, hour, seals, series) VALUES (?, ?, ?, ?) ON CONFLICT (host, hour) "
    "DO UPDATE SET seals = excluded.seals, series = excluded.series"
)
_SUMMARY = (
    "INSERT INTO summary (series, hour, host, coverage, vals) VALUES (?, ?, ?, ?, ?) ON CONFLICT (series, hour) "
    "DO UPDATE SET host = excluded.host, coverage = excluded.coverage, vals = excluded.vals"
)
_SUMMARIES = (
    "SELECT series, host, hour, coverage, vals FROM summary WHERE series IN ({}) AND hour BETWEEN ? AND ?"
)
_COVERAGES = "SELECT host, hour, number, coverage FROM coverage WHERE host IN ({}) AND hour BETWEEN ? AND ?"
_HELD = "SELECT host, hour, seals FROM rolled_up"
_SEALED = "SELECT host, hour, seals FROM sealed"
_WAITING = "SELECT DISTINCT host, hour FROM hot"
_OF_HOSTS = " WHERE host IN ({}) AND hour BETWEEN ? AND ?"


def stale(day: str, last_hour: int) -> list[_HostHour]:
    """The host-hours up to `last_hour` whose chunks are newer than their sums, or that have none."""
    held: dict[_HostHour, int] = {}
    if days.holds(day, "rollup"):
        with days.reading(day, "rollup") as sql:
            held = {(host, hour): seals for host, hour, seals in sql.execute(_HELD)}
    with days.reading(day, "points") as sql:
        sealed = sql.execute(_SEALED).fetchall()
    return [
        (host, hour) for host, hour, seals in sealed if hour <= last_hour and held.get((host, hour)) != seals
    ]


def sum_up(day: str, host: int, hour: int) -> None:
    """Make the sums of an hour anew from its chunks."""
    with days.reading(day, "points") as sql:
        seals, series = sql.execute(
            "SELECT seals, series FROM sealed WHERE host = ? AND hour = ?", (host, hour)
        ).fetchone()
        points = chunks.of_hour(sql, host, hour)
    coverages, values = _summed_up(points, hour)
    days.ensure(day, "rollup")
    with days.writing(day, "rollup") as file:
        where = host, hour
        file.sql.execute(_ROLLED_UP, (*where, seals, series))  # first: who sums up the same hour waits here
        file.sql.execute("DELETE FROM coverage WHERE host = ? AND hour = ?", where)
        file.sql.executemany(
            "INSERT INTO coverage (host, hour, number, coverage) VALUES (?, ?, ?, ?)",
            [(*where, number, blob) for number, blob in enumerate(coverages)],
        )
        file.sql.executemany(_SUMMARY, [(one, hour, host, number, blob) for one, number, blob in values])


def _summed_up(points: Mapping[int, Points], hour: int) -> tuple[list[bytes], list[tuple[int, int, bytes]]]:
    """The distinct coverages, and (series, number of its coverage, values)."""
    coverages, found = [], []
    for number, (times, series, values) in enumerate(chunks.by_times(points)):
        covered = coverage(times, MINUTE_MS)
        rows = extremes(values, bucket_begins(times, MINUTE_MS))
        coverages.append(encode_coverage(covered, hour * HOUR_MS))
        blobs = encode_values(rows, covered.counts)
        found += [(one, number, blob) for one, blob in zip(series, blobs, strict=True)]
    return coverages, found


def read_day(
    day: str, series_by_host: Mapping[int, Sequence[int]], first_ms: int, end_ms: int
) -> list[Piece]:
    """Of a half-open span within the day; where no sums of a whole hour hold, from the points."""
    valid, left = _hours(day, series_by_host, first_ms, end_ms)
    pieces = _stored(day, series_by_host, valid) if valid else []
    for span, hosts in _spans(left, first_ms, end_ms).items():
        points = chunks.points_of(day, {host: series_by_host[host] for host in hosts}, *span)
        pieces += [each for series, found in points.items() for each in _by_hour(series, *found)]
    return pieces


def _hours(
    day: str, hosts: Iterable[int], first_ms: int, end_ms: int
) -> tuple[set[_HostHour], set[_HostHour]]:
    """The host-hours that their sums hold wholly; and those of which points have to be read."""
    hours = first_ms // HOUR_MS, (end_ms - 1) // HOUR_MS
    held: dict[_HostHour, int] = {}
    if days.holds(day, "rollup"):
        with days.reading(day, "rollup") as sql:
            held = {row[:2]: row[2] for row in asking.many(sql, _HELD + _OF_HOSTS, hosts, hours)}
    if not days.holds(day, "points"):
        return set(held), set()
    with days.reading(day, "points") as sql:
        sealed = {row[:2]: row[2] for row in asking.many(sql, _SEALED + _OF_HOSTS, hosts, hours)}
        waiting = {tuple(row) for row in asking.many(sql, _WAITING + _OF_HOSTS, hosts, hours)}
    inside = range(-(-first_ms // HOUR_MS), end_ms // HOUR_MS)
    valid = {
        where
        for where, seals in held.items()
        if sealed.get(where) == seals and where[1] in inside and where not in waiting
    }
    return valid, {*sealed, *waiting} - valid


def _stored(
    day: str, series_by_host: Mapping[int, Sequence[int]], valid: Collection[_HostHour]
) -> list[Piece]:
    wanted = [series for of_host in series_by_host.values() for series in of_host]
    hours = min(hour for _, hour in valid), max(hour for _, hour in valid)
    with days.reading(day, "rollup") as sql:
        rows = [row for row in asking.many(sql, _SUMMARIES, wanted, hours) if row[1:3] in valid]
        coverages = asking.many(sql, _COVERAGES, {host for host, _ in valid}, hours)
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


def _spans(left: Iterable[_HostHour], first_ms: int, end_ms: int) -> dict[tuple[int, int], list[int]]:
    """Hours in a row as one span, and the hosts of which it is to be read."""
    spans: dict[tuple[int, int], list[int]] = defaultdict(list)
    for host, of_host in groupby(sorted(left), key=itemgetter(0)):
        # In a row, hours less their places are one number.
        for _, row in groupby(enumerate(hour for _, hour in of_host), key=lambda each: each[1] - each[0]):
            hours = [hour for _, hour in row]
            span = max(first_ms, hours[0] * HOUR_MS), min(end_ms, (hours[-1] + 1) * HOUR_MS)
            spans[span].append(host)
    return spans


def _by_hour(series: int, times: NDArray[np.int64], values: Values) -> Iterator[Piece]:
    begins = bucket_begins(times, HOUR_MS).tolist()
    for begin, end in zip(begins, [*begins[1:], len(times)], strict=True):
        yield piece(series, times[begin:end], values[begin:end], MINUTE_MS)
