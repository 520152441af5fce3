"""Hourly sums of profiles, per host and over all hosts. A rollup is recomputed from what lies below it, never added to.

Every append counts up `changes` of the hours it touches, in its own transaction. A rollup row carries the count it
was computed at, so it is valid exactly while the two are equal: late data makes it stale without touching it, and
two workers that compute the same hour at once cannot do harm.
"""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.store import days
from diagnose.store.blob import encode_counts
from diagnose.store.rows import DAY_NS, HOUR_NS, NS_PER_SECOND, ProfileGroup
from diagnose.store.schema import Kind
from diagnose.store.sums import Part, add_up, coarse

ALL_HOSTS = 0
# Batches are on their way for a while after the hour is over; rolling up earlier would only be done twice.
GRACE_NS = 120 * NS_PER_SECOND
_PUT = (
    "INSERT INTO profile_rollup "
    "(service, type, unit, host, hour, changes, profiles, seconds, samples, period_ns, counts) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (service, type, unit, host, hour) DO UPDATE SET "
    "changes = excluded.changes, profiles = excluded.profiles, seconds = excluded.seconds, "
    "samples = excluded.samples, period_ns = excluded.period_ns, counts = excluded.counts"
)
_APPENDED = "SELECT service, type, unit, host, hour, changes FROM profile_hour WHERE hour >= ? AND hour < ?"
_ROLLED_UP = (
    "SELECT service, type, unit, host, hour, changes FROM profile_rollup WHERE hour >= ? AND hour < ?"
)
_RAW_OF_HOUR = (
    "SELECT p.counts, p.period_ns, p.duration_ms FROM profile_key k JOIN profile p ON p.key = k.id "
    "WHERE k.service = ? AND k.type = ? AND k.unit = ? AND k.host = ? "
    "AND k.capture = '' AND p.start_ns >= ? AND p.start_ns < ?"
)
_HOSTS_OF_HOUR = (
    "SELECT counts, period_ns, samples, profiles, seconds FROM profile_rollup "
    "WHERE service = ? AND type = ? AND unit = ? AND host <> 0 AND hour = ?"
)


@dataclass(frozen=True, slots=True)
class HourKey:
    """One rollup row: a group on one host (0: all) in one hour since 1970."""

    group: ProfileGroup
    host_id: int
    hour: int


def group_values(group: ProfileGroup) -> tuple[int, str, str]:
    return group.service_id, group.type, group.unit


@dataclass(frozen=True, slots=True)
class Hours:
    """Which hours to look at: those that begin in the half-open span, of one service and type or (None) of all."""

    start_ns: int
    end_ns: int
    service_id: int | None = None
    type: str | None = None


def changes_of(day: str, which: Hours) -> dict[HourKey, int]:
    """How often each hour of the day's raw data was appended to."""
    return _changes(day, "profiles", _APPENDED, which)


def rolled_up(day: str, which: Hours) -> dict[HourKey, int]:
    """Each rollup of the day and the count of changes it holds."""
    return _changes(day, "rollup", _ROLLED_UP, which)


def _changes(day: str, kind: Kind, query: str, which: Hours) -> dict[HourKey, int]:
    if not days.holds(day, kind):
        return {}
    values: list[object] = [-(-which.start_ns // HOUR_NS), -(-which.end_ns // HOUR_NS)]
    for column, value in (("service", which.service_id), ("type", which.type)):
        if value is not None:
            query += f" AND {column} = ?"
            values.append(value)
    with days.reading(day, kind) as sql:
        rows = sql.execute(query, values).fetchall()
    return {HourKey(ProfileGroup(*row[:3]), row[3], row[4]): row[5] for row in rows}


def roll_up_day(day: str, now_ns: int) -> int:
    """Recompute the day's stale rollups of finished hours; how many were."""
    stale = _stale(day, now_ns)
    for key in stale:
        if key.host_id != ALL_HOSTS:
            _roll_up_host(day, key, stale[key])
    left = _stale(day, now_ns)
    unsettled = {(key.group, key.hour) for key in left if key.host_id != ALL_HOSTS}
    for key in left:
        if key.host_id == ALL_HOSTS and (key.group, key.hour) not in unsettled:
            _roll_up_all(day, key, left[key])
    if stale:
        days.tidy(day, "profiles")
        days.tidy(day, "rollup")
    return len(stale)


def _stale(day: str, now_ns: int) -> dict[HourKey, int]:
    begin = days.start_of(day)
    finished = Hours(begin, min(begin + DAY_NS, now_ns - HOUR_NS - GRACE_NS + 1))
    held = rolled_up(day, finished)
    return {key: n for key, n in changes_of(day, finished).items() if held.get(key) != n}


def _roll_up_host(day: str, key: HourKey, changes: int) -> None:
    with days.reading(day, "profiles") as sql:
        rows = sql.execute(
            _RAW_OF_HOUR,
            (*group_values(key.group), key.host_id, key.hour * HOUR_NS, (key.hour + 1) * HOUR_NS),
        ).fetchall()
    parts = [Part(row[0], row[1]) for row in rows]
    _put(day, key, changes, parts, len(rows), sum(row[2] for row in rows) / 1000)


def _roll_up_all(day: str, key: HourKey, changes: int) -> None:
    """From the hosts' rollups, which were found valid after `changes` was read."""
    with days.reading(day, "rollup") as sql:
        rows = sql.execute(
            _HOSTS_OF_HOUR,
            (*group_values(key.group), key.hour),
        ).fetchall()
    parts = [Part(row[0], row[1], row[2]) for row in rows]
    _put(day, key, changes, parts, sum(row[3] for row in rows), sum(row[4] for row in rows))


def _put(day: str, key: HourKey, changes: int, parts: list[Part], profiles: int, seconds: float) -> None:
    total = coarse(add_up(parts))
    values = (*group_values(key.group), key.host_id, key.hour, changes, profiles - total.corrupt, seconds)
    counts = encode_counts(total.stack_ids, total.counts)
    days.ensure(day, "rollup")
    with days.writing(day, "rollup") as file:
        file.sql.execute(_PUT, (*values, total.samples, total.period_ns, counts))
