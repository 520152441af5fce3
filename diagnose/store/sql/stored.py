"""What profiles there are: numbers and observed time by service, type and host, without reading any profile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from diagnose.store import days
from diagnose.store.protocols import StoredProfiles
from diagnose.store.rows import HOUR_NS
from diagnose.store.sql.validity import GROUP, Hour, Hours, Place, appended, day_span, pieces

Amount = tuple[Place, int, float]
_RAW = (
    "SELECT k.service, k.type, k.unit, k.host, count(*), sum(p.duration_ms) "
    "FROM profile_key k JOIN profile p ON p.key = k.id "
    "WHERE k.hour = ? AND k.capture = '' AND p.start_ns >= ? AND p.start_ns < ? "
    "GROUP BY k.service, k.type, k.unit, k.host"
)


def stored(host_ids: tuple[int, ...], start_ns: int, end_ns: int) -> list[StoredProfiles]:
    """Ordered by service, type and host."""
    profiles: dict[tuple[int, str, int], int] = defaultdict(int)
    seconds: dict[tuple[int, str, int], float] = defaultdict(float)
    for place, number, observed in _amounts(start_ns, end_ns):
        if number and (not host_ids or place.host_id in host_ids):
            key = place.service_id, place.type, place.host_id
            profiles[key] += number
            seconds[key] += observed
    return [StoredProfiles(*key, profiles[key], seconds[key]) for key in sorted(profiles)]


def _amounts(start_ns: int, end_ns: int) -> Iterator[Amount]:
    for day in days.days_between(start_ns, end_ns, "profiles", "rollup"):
        begin, end = day_span(day)
        hours = Hours(max(start_ns, begin), min(end_ns, end), host_ids=())
        changes = appended(day, hours)
        valid = dict(_in_rollups(day, hours, changes))
        yield from ((place, *amount) for (place, _), amount in valid.items())
        if changes is not None:
            yield from _in_raw(day, hours, changes, valid.keys())


def _in_rollups(
    day: str, hours: Hours, changes: Mapping[Hour, int] | None
) -> Iterator[tuple[Hour, tuple[int, float]]]:
    """Read along the index that holds all of it: the rows themselves are as long as their blobs."""
    if not days.holds(day, "rollup"):
        return
    condition, values = hours.where()
    with days.reading(day, "rollup") as sql:
        rows = sql.execute(
            f"SELECT {GROUP}, host, hour, changes, sum(profiles), sum(seconds) FROM profile_rollup "  # noqa: S608
            f"WHERE {condition} GROUP BY hour, host, {GROUP}, changes",
            values,
        ).fetchall()
    for *columns, hour, held, profiles, seconds in rows:
        place = Place(*columns)
        whole = (hour + 1) * HOUR_NS <= hours.end_ns
        if changes is None or (whole and changes.get((place, hour)) == held):
            yield (place, hour), (int(profiles), float(seconds))


def _in_raw(
    day: str, hours: Hours, changes: Mapping[Hour, int], covered: Collection[Hour]
) -> Iterator[Amount]:
    """Hours that have nothing else are not read."""
    settled = {hour for _, hour in changes} - {
        hour for place, hour in changes if (place, hour) not in covered
    }
    with days.reading(day, "profiles") as sql:
        for hour, begin, end in pieces(hours[:2]):
            if hour not in settled:
                rows = sql.execute(_RAW, (hour, begin, end)).fetchall()
                for *columns, profiles, duration_ms in rows:
                    place = Place(*columns)
                    if (place, hour) not in covered:
                        yield place, int(profiles), float(duration_ms) / 1000
