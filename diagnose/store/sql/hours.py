"""Which host-hours can be read from their sums, and of which what came has to be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from diagnose.store import days
from diagnose.store.rows import HOUR_NS, NS_PER_MS
from diagnose.store.sql import asking

HOUR_MS = HOUR_NS // NS_PER_MS
HostHour = tuple[int, int]
Span = tuple[int, int]
_HELD = "SELECT host, hour, seals FROM rolled_up"
_SEALED = "SELECT host, hour, seals FROM sealed"
_OF_HOSTS = " WHERE host IN ({}) AND hour BETWEEN ? AND ?"
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
