"""Sums of profiles by hour and by day. A rollup is recomputed from what lies below it, never added to.

Hours are summed for each host by labels, and over all hosts; days for each host and over all hosts. The finest step
is the raw profile itself, of ten seconds or so; what touches no whole hour (the one that runs, the edges of a range)
is read from those, so it costs by their number.
Two workers that compute the same hour at once cannot do harm: `validity` tells whether a sum holds all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from diagnose.store import days, labelsets
from diagnose.store.blob import encode_counts
from diagnose.store.rows import DAY_NS, HOUR_NS, NS_PER_SECOND
from diagnose.store.sql.validity import (
    ALL_HOSTS,
    Hour,
    Hours,
    Place,
    appended,
    by_place,
    day_span,
    days_rolled_up,
    rolled_up,
)
from diagnose.store.sums import Part, add_up, coarse

# Batches are on their way for a while after the hour is over; rolling up earlier would only be done twice.
GRACE_NS = 120 * NS_PER_SECOND
# The sum of a day is about as long as that of an hour: below this it saves too little of reading them.
_LEAST_HOURS = 3
_OF_PLACE = "service = ? AND type = ? AND unit = ? AND host = ?"
_RAW_OF_HOUR = (
    "SELECT k.labels, p.counts, p.period_ns, p.duration_ms FROM profile_key k JOIN profile p ON p.key = k.id "
    "WHERE k.hour = ? AND k.service = ? AND k.type = ? AND k.unit = ? AND k.host = ? AND k.capture = ''"
)
_SUMS = "SELECT counts, period_ns, samples, profiles, seconds FROM profile_rollup WHERE "
# Another worker may have put its sums in between; rows of another count of changes are stale, and soon replaced.
_INSTEAD = (
    "DO UPDATE SET changes = excluded.changes, profiles = excluded.profiles, seconds = excluded.seconds, "
    "samples = excluded.samples, period_ns = excluded.period_ns, counts = excluded.counts"
)
_PUT = (
    "INSERT INTO profile_rollup (service, type, unit, host, hour, labels, "  # noqa: S608
    "changes, profiles, seconds, samples, period_ns, counts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    f"ON CONFLICT (service, type, unit, host, hour, labels) {_INSTEAD}"
)
_PUT_DAY = (
    "INSERT INTO profile_day (service, type, unit, host, hour, "  # noqa: S608
    "changes, profiles, seconds, samples, period_ns, counts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    f"ON CONFLICT (service, type, unit, host, hour) {_INSTEAD}"
)


class _Below(NamedTuple):
    """What a sum is computed from."""

    parts: list[Part]
    profiles: int
    seconds: float


def roll_up_day(day: str, now_ns: int) -> int:
    """Recompute the stale rollups of the day's finished hours, and of the day when it is over; how many were."""
    stale = _stale(day, now_ns)
    for (place, hour), changes in stale.items():
        if place.host_id != ALL_HOSTS:
            _roll_up_host(day, place, hour, changes)
    left = _stale(day, now_ns) if stale else {}
    unsettled = {(place[:3], hour) for place, hour in left if place.host_id != ALL_HOSTS}
    for (place, hour), changes in left.items():
        if place.host_id == ALL_HOSTS and (place[:3], hour) not in unsettled:
            _roll_up_all(day, place, hour, changes)
    recomputed = len(stale) + (_roll_up_days(day) if now_ns >= day_span(day)[1] + GRACE_NS else 0)
    if recomputed:
        days.tidy(day, "profiles")
        days.tidy(day, "rollup")
    return recomputed


def _stale(day: str, now_ns: int) -> dict[Hour, int]:
    begin, end = day_span(day)
    finished = Hours(begin, min(end, now_ns - HOUR_NS - GRACE_NS + 1))
    held = rolled_up(day, finished)
    return {key: n for key, n in (appended(day, finished) or {}).items() if held.get(key) != n}


def _roll_up_host(day: str, place: Place, hour: int, changes: int) -> None:
    with days.reading(day, "profiles") as sql:
        rows = sql.execute(_RAW_OF_HOUR, (hour, *place)).fetchall()
    under = labelsets.summed_under(Counter(row[0] for row in rows))
    by_labels: dict[str, list[tuple[bytes, int, int]]] = defaultdict(list)
    for labels, *row in rows:
        by_labels[under[labels]].append(tuple(row))
    sums = {
        labels: _Below(
            [Part(counts, period_ns) for counts, period_ns, _ in chosen],
            len(chosen),
            sum(duration_ms for _, _, duration_ms in chosen) / 1000,
        )
        for labels, chosen in by_labels.items()
    }
    _replace(day, place, hour, changes, sums)


def _roll_up_all(day: str, place: Place, hour: int, changes: int) -> None:
    """From the hosts' rollups, which were found valid after `changes` was read."""
    with days.reading(day, "rollup") as sql:
        condition = "service = ? AND type = ? AND unit = ? AND host <> 0 AND hour = ?"
        rows = sql.execute(_SUMS + condition, (*place[:3], hour)).fetchall()
    _replace(day, place, hour, changes, {labelsets.ALL: _below(rows)})


def _replace(day: str, place: Place, hour: int, changes: int, sums: Mapping[str, _Below]) -> None:
    """All of an hour at once: a reader meets the old sums of all labels, or the new ones."""
    values = [(*place, hour, labels, changes, *_summed(below)) for labels, below in sums.items()]
    days.ensure(day, "rollup")
    with days.writing(day, "rollup") as file:
        file.sql.execute(f"DELETE FROM profile_rollup WHERE {_OF_PLACE} AND hour = ?", (*place, hour))  # noqa: S608
        file.sql.executemany(_PUT, values)


def _roll_up_days(day: str) -> int:
    """The sums of the whole day whose hours are all valid; how many were recomputed."""
    whole = Hours(*day_span(day))
    held, hours, done = rolled_up(day, whole), by_place(appended(day, whole) or {}), days_rolled_up(day)
    stale = {
        place: sum(changes.values())
        for place, changes in hours.items()
        if len(changes) >= _LEAST_HOURS
        and done.get(place) != sum(changes.values())
        and all(held.get((place, hour)) == number for hour, number in changes.items())
    }
    for place, changes in stale.items():
        _roll_up_whole(day, place, changes)
    return len(stale)


def _roll_up_whole(day: str, place: Place, changes: int) -> None:
    first = day_span(day)[0] // HOUR_NS
    hours = first, first + DAY_NS // HOUR_NS
    with days.reading(day, "rollup") as sql:
        rows = sql.execute(f"{_SUMS}{_OF_PLACE} AND hour >= ? AND hour < ?", (*place, *hours)).fetchall()
    values = (*place, first, changes, *_summed(_below(rows)))
    with days.writing(day, "rollup") as file:
        file.sql.execute(_PUT_DAY, values)


def _below(rows: Iterable[tuple[bytes, int, int, int, float]]) -> _Below:
    """Of sums."""
    rows = list(rows)
    parts = [Part(counts, period_ns, samples) for counts, period_ns, samples, _, _ in rows]
    return _Below(parts, sum(row[3] for row in rows), sum(row[4] for row in rows))


def _summed(below: _Below) -> tuple[int, float, int, int, bytes]:
    """Profiles, seconds, samples, period and counts."""
    total = coarse(add_up(below.parts))
    counts = encode_counts(total.stack_ids, total.counts)
    return below.profiles - total.corrupt, below.seconds, total.samples, total.period_ns, counts
