"""Profiles that tell when their samples were taken. They are raw data: rollups have no times."""

from __future__ import annotations

from collections import defaultdict

from diagnose.store import days, labelsets
from diagnose.store.blob import CorruptBlob
from diagnose.store.engine.protocol import Sql
from diagnose.store.offsetblob import decode_offsets
from diagnose.store.protocols import ProfileFilter, Timed, TimedProfile
from diagnose.store.rows import HOUR_NS, NS_PER_MS, ProfileGroup
from diagnose.store.schema import Kind
from diagnose.store.sql.asking import many
from diagnose.store.sql.validity import Span, day_span, pieces

# No profile is longer, so none that began earlier reaches into a span.
_LONGEST_NS = HOUR_NS
_OVERLAP = (
    f"WHERE key IN ({{}}) AND start_ns >= ? AND start_ns < ? AND start_ns + duration_ms * {NS_PER_MS} > ?"
)
_TIMED = f"SELECT start_ns, duration_ms, period_ns, offsets FROM sample_times {_OVERLAP}"  # noqa: S608
_ALL = f"SELECT count(*) FROM profile {_OVERLAP}"  # noqa: S608


def timed(which: ProfileFilter, start_ns: int, end_ns: int) -> Timed:
    """In order of their beginning."""
    kind: Kind = "profiles" if which.capture_id is None else "captures"
    profiles: list[TimedProfile] = []
    number = corrupt = 0
    for day in days.days_between(start_ns - _LONGEST_NS, end_ns, kind):
        begin, end = day_span(day)
        span = max(start_ns - _LONGEST_NS, begin), min(end_ns, end)
        rows, of_day = _found(day, kind, which, span, start_ns)
        number += of_day
        for group, (start, duration_ms, period_ns, offsets) in rows:
            try:
                stop = start + duration_ms * NS_PER_MS
                profiles.append(TimedProfile(group, start, stop, period_ns, decode_offsets(offsets)))
            except CorruptBlob:
                corrupt += 1
    profiles.sort(key=lambda one: one.start_ns)
    return Timed(profiles, number - len(profiles) - corrupt, corrupt)


def _found(
    day: str, kind: Kind, which: ProfileFilter, span: Span, after_ns: int
) -> tuple[list[tuple[ProfileGroup, tuple[int, int, int, bytes]]], int]:
    """Rows of sample times of the profiles that end after that, and how many profiles there are in all."""
    rows, profiles = [], 0
    with days.reading(day, kind) as sql:
        for hour, begin, end in pieces(span):
            for group, keys in _keys(sql, which, hour).items():
                values = begin, end, after_ns
                rows += [(group, row) for row in many(sql, _TIMED, keys, values)]
                profiles += sum(row[0] for row in many(sql, _ALL, keys, values))
    return rows, profiles


def _keys(sql: Sql, which: ProfileFilter, hour: int) -> dict[ProfileGroup, list[int]]:
    found: dict[ProfileGroup, list[int]] = defaultdict(list)
    rows = sql.execute(
        "SELECT id, unit, host, labels FROM profile_key "
        "WHERE hour = ? AND service = ? AND type = ? AND capture = ?",
        (hour, which.service_id, which.type, which.capture_id or ""),
    )
    for number, unit, host, labels in rows.fetchall():
        if (not which.host_ids or host in which.host_ids) and labelsets.carries(labels, which.labels):
            found[ProfileGroup(which.service_id, which.type, unit)].append(number)
    return found
