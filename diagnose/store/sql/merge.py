"""Adding up profiles of a time range: rollups for whole hours, raw rows for the edges, labels and captures."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from diagnose.store import days
from diagnose.store.protocols import GroupSum, ProfileFilter
from diagnose.store.rows import HOUR_NS, ProfileGroup
from diagnose.store.schema import Kind
from diagnose.store.sql.rollup import ALL_HOSTS, HourKey, Hours, changes_of, rolled_up
from diagnose.store.sums import Part, add_up

log = logging.getLogger(__name__)
Span = tuple[int, int]


@dataclass(slots=True)
class _Found:
    """Blobs of one group, still encoded: they are decoded after the read transaction is over."""

    parts: list[Part] = field(default_factory=list)
    profiles: int = 0
    seconds: float = 0.0


def merge(which: ProfileFilter, start_ns: int, end_ns: int) -> list[GroupSum]:
    """One sum a group, that of most profiles first."""
    found: dict[ProfileGroup, _Found] = defaultdict(_Found)
    kind: Kind = "profiles" if which.capture_id is None else "captures"
    for day in days.days_between(start_ns, end_ns, kind, "rollup"):
        begin = days.start_of(day)
        span = (max(start_ns, begin), min(end_ns, begin + 24 * HOUR_NS))
        whole = _usable_rollups(day, which, span)
        _collect_rollups(day, whole, found)
        if days.holds(day, kind):
            _collect_raw(day, kind, which, span, whole, found)
    sums = [_added(group, one) for group, one in found.items()]
    return sorted(sums, key=lambda one: -one.profiles)


def _added(group: ProfileGroup, found: _Found) -> GroupSum:
    total = add_up(found.parts)
    if total.corrupt:
        log.error(
            "%d stored profiles of service %d are corrupt and left out", total.corrupt, group.service_id
        )
    return GroupSum(group, total, found.profiles - total.corrupt, found.seconds)


def _usable_rollups(day: str, which: ProfileFilter, span: Span) -> list[HourKey]:
    if which.labels or which.capture_id is not None:
        return []
    wanted = set(which.host_ids) or {ALL_HOSTS}
    hours = Hours(*span, which.service_id, which.type)
    return [key for key in valid_rollups(day, hours) if key.host_id in wanted]


def valid_rollups(day: str, which: Hours) -> list[HourKey]:
    """The rollups that hold all of an hour wholly in the span; of a day without raw data, those that begin in it."""
    held = rolled_up(day, which)
    if not days.holds(day, "profiles"):
        return list(held)
    raw = changes_of(day, which)
    return [
        key
        for key, changes in held.items()
        if (key.hour + 1) * HOUR_NS <= which.end_ns and raw.get(key) == changes
    ]


def _collect_rollups(day: str, keys: list[HourKey], found: dict[ProfileGroup, _Found]) -> None:
    if not keys:
        return
    with days.reading(day, "rollup") as sql:
        for key in keys:
            group = key.group
            row = sql.execute(
                "SELECT counts, period_ns, samples, profiles, seconds FROM profile_rollup "
                "WHERE service = ? AND type = ? AND unit = ? AND host = ? AND hour = ?",
                (group.service_id, group.type, group.unit, key.host_id, key.hour),
            ).fetchone()
            if row is not None:  # dropped by retention since
                _add(found[group], [Part(row[0], row[1], row[2])], row[3], row[4])


def _add(found: _Found, parts: list[Part], profiles: int, seconds: float) -> None:
    found.parts += parts
    found.profiles += profiles
    found.seconds += seconds


def _collect_raw(
    day: str,
    kind: Kind,
    which: ProfileFilter,
    span: Span,
    whole: list[HourKey],
    found: dict[ProfileGroup, _Found],
) -> None:
    covered: dict[tuple[ProfileGroup, int], set[int]] = defaultdict(set)
    for key in whole:
        covered[key.group, key.host_id].add(key.hour)
    with days.reading(day, kind) as sql:
        keys = sql.execute(
            "SELECT id, service, type, unit, host, labels FROM profile_key "
            "WHERE service = ? AND type = ? AND capture = ?",
            (which.service_id, which.type, which.capture_id or ""),
        ).fetchall()
        for number, *group_columns, host, labels in keys:
            if not _wanted(which, host, labels):
                continue
            group = ProfileGroup(*group_columns)
            summed = covered[group, host if which.host_ids else ALL_HOSTS]
            for begin, end in uncovered(span, summed):
                rows = sql.execute(
                    "SELECT counts, period_ns, duration_ms FROM profile "
                    "WHERE key = ? AND start_ns >= ? AND start_ns < ?",
                    (number, begin, end),
                ).fetchall()
                if rows:
                    seconds = sum(row[2] for row in rows) / 1000
                    _add(found[group], [Part(row[0], row[1]) for row in rows], len(rows), seconds)


def _wanted(which: ProfileFilter, host: int, labels: str) -> bool:
    if which.host_ids and host not in which.host_ids:
        return False
    return not which.labels or set(which.labels) <= set(json.loads(labels).items())


def uncovered(span: Span, hours: Iterable[int]) -> list[Span]:
    """What is left of a span without the given hours, in order."""
    left: list[Span] = []
    begin = span[0]
    for hour in sorted(hours):
        if hour * HOUR_NS > begin:
            left.append((begin, hour * HOUR_NS))
        begin = (hour + 1) * HOUR_NS
    if begin < span[1]:
        left.append((begin, span[1]))
    return left
