"""Adding up profiles of a time range: sums of whole days and hours where they are up to date, raw rows elsewhere.

Sums by labels hold a profile under some of its labels (`labelsets`): a row counts when it carries all that is asked
for, and raw rows make up for profiles that were added up under less. Captures are not rolled up.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from diagnose.store import days, labelsets
from diagnose.store.engine.protocol import Sql
from diagnose.store.protocols import GroupSum, ProfileFilter
from diagnose.store.rows import HOUR_NS, ProfileGroup
from diagnose.store.schema import Kind
from diagnose.store.sql.asking import many
from diagnose.store.sql.validity import (
    ALL_HOSTS,
    GROUP,
    Hour,
    Hours,
    Place,
    Span,
    appended,
    by_place,
    day_span,
    pieces,
)
from diagnose.store.sums import Part, add_up

log = logging.getLogger(__name__)
_SUM = "counts, period_ns, samples, profiles, seconds"
_RAW = (
    "SELECT counts, period_ns, duration_ms FROM profile WHERE key IN ({}) AND start_ns >= ? AND start_ns < ?"
)


@dataclass(slots=True)
class _Found:
    """Blobs of one group, still encoded: they are decoded after the read transaction is over."""

    parts: list[Part] = field(default_factory=list)
    profiles: int = 0
    seconds: float = 0.0

    def add(self, part: Part, profiles: int, seconds: float) -> None:
        self.parts.append(part)
        self.profiles += profiles
        self.seconds += seconds

    def add_sum(self, counts: bytes, period_ns: int, samples: int, profiles: int, seconds: float) -> None:
        self.add(Part(counts, period_ns, samples), profiles, seconds)


_Groups = dict[ProfileGroup, _Found]


def merge(which: ProfileFilter, start_ns: int, end_ns: int) -> list[GroupSum]:
    """One sum a group, that of most profiles first."""
    found: _Groups = defaultdict(_Found)
    raw: Kind = "profiles" if which.capture_id is None else "captures"
    for day in days.days_between(start_ns, end_ns, raw, "rollup"):
        begin, end = day_span(day)
        part = _Day(day, which, (max(start_ns, begin), min(end_ns, end)), found)
        if which.capture_id is None and days.holds(day, "rollup"):
            part.collect_sums()
        if days.holds(day, raw):
            part.collect_raw(raw)
    sums = [_added(group, one) for group, one in found.items()]
    return sorted(sums, key=lambda one: -one.profiles)


def _added(group: ProfileGroup, found: _Found) -> GroupSum:
    total = add_up(found.parts)
    if total.corrupt:
        log.error(
            "%d stored profiles of service %d are corrupt and left out", total.corrupt, group.service_id
        )
    return GroupSum(group, total, found.profiles - total.corrupt, found.seconds)


class _Day:
    """What one day has of the span: first the sums that hold all, then the raw rows that these do not cover."""

    def __init__(self, day: str, which: ProfileFilter, span: Span, found: _Groups) -> None:
        self._day = day
        self._which = which
        self._span = span
        self._found = found
        # Under which sets of labels each hour of each place has valid sums, and the hours without anything else.
        self._covered: dict[Hour, set[str]] = defaultdict(set)
        self._settled: set[int] = set()

    def collect_sums(self) -> None:
        """Sums over all hosts have no labels; where one is stale, those of the hosts stand in for it."""
        which = self._which
        of_all = not which.host_ids and not which.labels
        hours = Hours(*self._span, which.service_id, which.type, (ALL_HOSTS,) if of_all else which.host_ids)
        changes = appended(self._day, hours)
        with days.reading(self._day, "rollup") as sql:
            if self._span == day_span(self._day) and not which.labels:
                self._add_days(sql, hours, changes)
            self._add_hours(sql, hours, changes)
            if of_all and changes is not None and self._has_whole(changes.keys() - self._covered.keys()):
                hours = hours._replace(host_ids=())
                changes = appended(self._day, hours)
                self._add_hours(sql, hours, changes)
        if changes is not None and not which.labels:
            left = {hour for place, hour in changes if not self._is_covered(place, hour)}
            self._settled = {hour for _, hour in changes} - left

    def _has_whole(self, hours: Iterable[Hour]) -> bool:
        return any((hour + 1) * HOUR_NS <= self._span[1] for _, hour in hours)

    def _is_covered(self, place: Place, hour: int, labels: str = labelsets.ALL) -> bool:
        """Whether a profile of these labels is in a sum that was added, or is not wanted."""
        if self._covered.get((place._replace(host_id=ALL_HOSTS), hour)):
            return True
        sums = self._covered.get((place, hour), ())
        if not self._which.labels or not sums:
            return bool(sums)
        under = labelsets.sum_of(labels, sums)
        return under is not None and labelsets.carries(under, self._which.labels)

    def _add_days(self, sql: Sql, which: Hours, changes: Mapping[Hour, int] | None) -> None:
        """The sums of the whole day that hold all."""
        condition, values = which.where()
        hours = None if changes is None else by_place(changes)
        query = f"SELECT {GROUP}, host, hour, changes, {_SUM} FROM profile_day WHERE {condition}"  # noqa: S608
        for row in sql.execute(query, values).fetchall():
            place, (first, held), total = Place(*row[:4]), row[4:6], row[6:]
            if hours is None or sum(hours[place].values()) == held:
                self._found[place.group].add_sum(*total)
                for hour in range(first, first + 24):
                    self._covered[place, hour].add(labelsets.ALL)

    def _add_hours(self, sql: Sql, which: Hours, changes: Mapping[Hour, int] | None) -> None:
        """The sums of hours wholly in the span that hold all; of a day without raw data, of those that begin in it."""
        condition, values = which.where()
        query = f"SELECT {GROUP}, host, hour, labels, changes, id FROM profile_rollup WHERE {condition}"  # noqa: S608
        before = {key for key, labels in self._covered.items() if labels}
        chosen: dict[int, ProfileGroup] = {}
        for *columns, hour, labels, held, number in sql.execute(query, values).fetchall():
            place = Place(*columns)
            whole = (
                (hour + 1) * HOUR_NS <= which.end_ns
                and changes is not None
                and changes.get((place, hour)) == held
            )
            done = (place, hour) in before or (place._replace(host_id=ALL_HOSTS), hour) in before
            if (whole or changes is None) and not done:
                self._covered[place, hour].add(labels)
                if labels == labelsets.ALL or labelsets.carries(labels, self._which.labels):
                    chosen[number] = place.group
        query = f"SELECT id, {_SUM} FROM profile_rollup WHERE id IN ({{}})"  # noqa: S608
        for number, *total in many(sql, query, chosen):
            self._found[chosen[number]].add_sum(*total)

    def collect_raw(self, kind: Kind) -> None:
        """What the sums do not cover."""
        which = self._which
        with days.reading(self._day, kind) as sql:
            for hour, begin, end in pieces(self._span):
                if hour in self._settled:
                    continue
                keys = sql.execute(
                    "SELECT id, unit, host, labels FROM profile_key "
                    "WHERE hour = ? AND service = ? AND type = ? AND capture = ?",
                    (hour, which.service_id, which.type, which.capture_id or ""),
                ).fetchall()
                left: dict[ProfileGroup, list[int]] = defaultdict(list)
                for number, unit, host, labels in keys:
                    place = Place(which.service_id, which.type, unit, host)
                    wanted = not which.host_ids or host in which.host_ids
                    if (
                        wanted
                        and labelsets.carries(labels, which.labels)
                        and not self._is_covered(place, hour, labels)
                    ):
                        left[place.group].append(number)
                for group, numbers in left.items():
                    self._add_raw(sql, group, numbers, (begin, end))

    def _add_raw(self, sql: Sql, group: ProfileGroup, keys: list[int], span: Span) -> None:
        for counts, period_ns, duration_ms in many(sql, _RAW, keys, span):
            self._found[group].add(Part(counts, period_ns), 1, duration_ms / 1000)
