"""Which rollups hold all there is: every append counts up `changes` of the hours it touches, in its own transaction.

A rollup carries the count it was computed at, so it is valid exactly while the two are equal: late data makes it stale
without touching it. Counts only grow, so the sum of a day's counts tells the same of the rollup of a day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from diagnose.store import days
from diagnose.store.engine.protocol import Sql
from diagnose.store.rows import DAY_NS, HOUR_NS, ProfileGroup

ALL_HOSTS = 0
Span = tuple[int, int]
GROUP = "service, type, unit"


class Place(NamedTuple):
    """A group on one host (0: all)."""

    service_id: int
    type: str
    unit: str
    host_id: int

    @property
    def group(self) -> ProfileGroup:
        return ProfileGroup(*self[:3])


Hour = tuple[Place, int]  # the hours are since 1970


class Hours(NamedTuple):
    """Which hours to look at: those that begin in the half-open span, of one service and type or (None) of all.

    `host_ids` None means all and the sums over all, empty means all without those.
    """

    start_ns: int
    end_ns: int
    service_id: int | None = None
    type: str | None = None
    host_ids: tuple[int, ...] | None = None

    def where(self) -> tuple[str, list[object]]:
        """The condition and its values."""
        values: list[object] = [-(-self.start_ns // HOUR_NS), -(-self.end_ns // HOUR_NS)]
        text = "hour >= ? AND hour < ?"
        for column, value in (("service", self.service_id), ("type", self.type)):
            if value is not None:
                text += f" AND {column} = ?"
                values.append(value)
        if self.host_ids:
            text += f" AND host IN ({', '.join('?' for _ in self.host_ids)})"
            values += self.host_ids
        elif self.host_ids is not None:
            text += f" AND host <> {ALL_HOSTS}"
        return text, values


def day_span(day: str) -> Span:
    begin = days.start_of(day)
    return begin, begin + DAY_NS


def appended(day: str, which: Hours) -> dict[Hour, int] | None:
    """How often each hour of the day's raw data was appended to; None when it is gone and rollups are all there is."""
    if not days.holds(day, "profiles"):
        return None
    with days.reading(day, "profiles") as sql:
        return _changes(sql, "profile_hour", which)


def rolled_up(day: str, which: Hours) -> dict[Hour, int]:
    """Each rolled up hour and the count of changes it holds."""
    if not days.holds(day, "rollup"):
        return {}
    with days.reading(day, "rollup") as sql:
        return _changes(sql, "profile_rollup", which)


def days_rolled_up(day: str) -> dict[Place, int]:
    """The count of changes that each sum of the whole day holds."""
    if not days.holds(day, "rollup"):
        return {}
    with days.reading(day, "rollup") as sql:
        return {
            place: number
            for (place, _), number in _changes(sql, "profile_day", Hours(*day_span(day))).items()
        }


def _changes(sql: Sql, table: str, which: Hours) -> dict[Hour, int]:
    text, values = which.where()
    rows = sql.execute(f"SELECT DISTINCT {GROUP}, host, hour, changes FROM {table} WHERE {text}", values)  # noqa: S608
    return {(Place(*row[:4]), row[4]): row[5] for row in rows.fetchall()}


def by_place(changes: Mapping[Hour, int]) -> dict[Place, dict[int, int]]:
    """The hours of each place."""
    found: dict[Place, dict[int, int]] = defaultdict(dict)
    for (place, hour), number in changes.items():
        found[place][hour] = number
    return found


def pieces(span: Span) -> Iterator[tuple[int, int, int]]:
    """The span cut at full hours: each hour with the begin and the end of its piece."""
    for hour in range(span[0] // HOUR_NS, -(-span[1] // HOUR_NS)):
        yield hour, max(span[0], hour * HOUR_NS), min(span[1], (hour + 1) * HOUR_NS)
