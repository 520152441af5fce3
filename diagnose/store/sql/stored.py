"""What profiles there are: numbers and observed time by service, type and host, without reading any profile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from diagnose.store import days
from diagnose.store.protocols import StoredProfiles
from diagnose.store.rows import DAY_NS, ProfileGroup
from diagnose.store.sql.merge import Span, uncovered, valid_rollups
from diagnose.store.sql.rollup import ALL_HOSTS, HourKey, Hours

Amount = tuple[ProfileGroup, int, int, float]


def stored(host_ids: tuple[int, ...], start_ns: int, end_ns: int) -> list[StoredProfiles]:
    """Ordered by service, type and host."""
    profiles: dict[tuple[int, str, int], int] = defaultdict(int)
    seconds: dict[tuple[int, str, int], float] = defaultdict(float)
    for group, host_id, number, observed in _amounts(start_ns, end_ns):
        if number and (not host_ids or host_id in host_ids):
            profiles[group.service_id, group.type, host_id] += number
            seconds[group.service_id, group.type, host_id] += observed
    return [StoredProfiles(*key, profiles[key], seconds[key]) for key in sorted(profiles)]


def _amounts(start_ns: int, end_ns: int) -> Iterator[Amount]:
    for day in days.days_between(start_ns, end_ns, "profiles", "rollup"):
        begin = days.start_of(day)
        span = (max(start_ns, begin), min(end_ns, begin + DAY_NS))
        whole = [key for key in valid_rollups(day, Hours(*span)) if key.host_id != ALL_HOSTS]
        yield from _in_rollups(day, whole)
        if days.holds(day, "profiles"):
            yield from _in_raw(day, span, whole)


def _in_rollups(day: str, keys: Collection[HourKey]) -> list[Amount]:
    """Read along the index that holds all of it: the rows themselves are as long as their blobs."""
    if not keys:
        return []
    hours = [key.hour for key in keys]
    with days.reading(day, "rollup") as sql:
        rows = sql.execute(
            "SELECT hour, host, service, type, unit, profiles, seconds FROM profile_rollup "
            "WHERE hour BETWEEN ? AND ?",
            (min(hours), max(hours)),
        ).fetchall()
    found = {HourKey(ProfileGroup(*row[2:5]), row[1], row[0]): row[5:] for row in rows}
    return [(key.group, key.host_id, *found.get(key, (0, 0.0))) for key in keys]


def _in_raw(day: str, span: Span, whole: Iterable[HourKey]) -> list[Amount]:
    covered: dict[tuple[ProfileGroup, int], set[int]] = defaultdict(set)
    for key in whole:
        covered[key.group, key.host_id].add(key.hour)
    found = []
    with days.reading(day, "profiles") as sql:
        keys = sql.execute(
            "SELECT id, service, type, unit, host FROM profile_key WHERE capture = ''"
        ).fetchall()
        for number, *group_columns, host in keys:
            group = ProfileGroup(*group_columns)
            for begin, end in uncovered(span, covered[group, host]):
                row = sql.execute(
                    "SELECT count(*), coalesce(sum(duration_ms), 0) FROM profile "
                    "WHERE key = ? AND start_ns >= ? AND start_ns < ?",
                    (number, begin, end),
                ).fetchone()
                found.append((group, host, row[0], float(row[1]) / 1000))
    return found
