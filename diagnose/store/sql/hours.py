"""Which host-hours can be read from their sums, and of which what came has to be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from diagnose.store import days
from diagnose.store.pointblob import decode_series
from diagnose.store.rows import HOUR_NS, NS_PER_MS
from diagnose.store.schema import Kind
from diagnose.store.sql import asking

HOUR_MS = HOUR_NS // NS_PER_MS
HostHour = tuple[int, int]
Span = tuple[int, int]
_HELD = "SELECT host, hour, seals FROM rolled_up"
_SEALED = "SELECT host, hour, seals FROM sealed"
_OF_HOSTS = " WHERE host IN ({}) AND hour BETWEEN ? AND ?"
_LISTS: tuple[tuple[Kind, str], ...] = (("points", "sealed"), ("rollup", "rolled_up"))
WAITING = {
    "points": "SELECT DISTINCT host, hour FROM hot",
    "histograms": "SELECT DISTINCT host, hour FROM hot_histogram",
}


class Readable(NamedTuple):
    """`summed` are hours whose sums hold all of them; `left` the spans of which what came is to be read, of whom."""

    summed: set[HostHour]
    left: Mapping[Span, list[int]]


def stale(day: str, last_hour: int) -> list[HostHour]:
    """The host-hours up to `last_hour` that were sealed since they were summed up, or never were."""
    held: dict[HostHour, int] = {}
    if days.holds(day, "rollup"):
        with days.reading(day, "rollup") as sql:
            held = {(host, hour): seals for host, hour, seals in sql.execute(_HELD)}
    with days.reading(day, "points") as sql:
        sealed = sql.execute(_SEALED).fetchall()
    return [
        (host, hour) for host, hour, seals in sealed if hour <= last_hour and held.get((host, hour)) != seals
    ]


def series_in_use() -> set[int]:
    """All that are sealed or summed up in any stored day; a list that cannot be read is an error: it may name any."""
    found: set[int] = set()
    for kind, table in _LISTS:
        for day in days.stored_days(kind):
            with days.reading(day, kind) as sql:
                rows = sql.execute(f"SELECT series, histograms FROM {table}").fetchall()  # noqa: S608 — one of two
            for blob in {blob for row in rows for blob in row}:
                found.update(decode_series(blob).tolist())
    return found


def readable(day: str, hosts: Iterable[int], first_ms: int, end_ms: int, waiting: str) -> Readable:
    """Of a half-open span within the day. `waiting` is one of WAITING: what was not sealed yet makes sums stale."""
    hours = first_ms // HOUR_MS, (end_ms - 1) // HOUR_MS
    held: dict[HostHour, int] = {}
    if days.holds(day, "rollup"):
        with days.reading(day, "rollup") as sql:
            held = {row[:2]: row[2] for row in asking.many(sql, _HELD + _OF_HOSTS, hosts, hours)}
    if not days.holds(day, "points"):
        return Readable(set(held), {})
    with days.reading(day, "points") as sql:
        sealed = {row[:2]: row[2] for row in asking.many(sql, _SEALED + _OF_HOSTS, hosts, hours)}
        unsealed = {tuple(row) for row in asking.many(sql, waiting + _OF_HOSTS, hosts, hours)}
    inside = range(-(-first_ms // HOUR_MS), end_ms // HOUR_MS)
    summed = {
        where
        for where, seals in held.items()
        if sealed.get(where) == seals and where[1] in inside and where not in unsealed
    }
    return Readable(summed, _spans({*sealed, *unsealed} - summed, first_ms, end_ms))


def _spans(left: Iterable[HostHour], first_ms: int, end_ms: int) -> dict[Span, list[int]]:
    """Hours in a row as one span, and the hosts of which it is to be read."""
    spans: dict[Span, list[int]] = defaultdict(list)
    for host, of_host in groupby(sorted(left), key=itemgetter(0)):
        # In a row, hours less their places are one number.
        for _, row in groupby(enumerate(hour for _, hour in of_host), key=lambda each: each[1] - each[0]):
            found = [hour for _, hour in row]
            spans[max(first_ms, found[0] * HOUR_MS), min(end_ms, (found[-1] + 1) * HOUR_MS)].append(host)
    return spans
