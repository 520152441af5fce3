"""`ProfileStore` in SQL: a row per profile among the day's profiles or captures, hourly sums in its rollups."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from diagnose.store import applied, days, labelsets
from diagnose.store.blob import encode_counts
from diagnose.store.engine.protocol import Writing
from diagnose.store.offsetblob import encode_offsets
from diagnose.store.protocols import GroupSum, ProfileFilter, StoredProfiles, Timed
from diagnose.store.rows import DAY_NS, HOUR_NS, NS_PER_MS, BatchKey, ProfileBatch, ProfileRow
from diagnose.store.schema import Kind
from diagnose.store.sql import merge, rollup, stored, times

_ADD_PROFILE = "INSERT INTO profile (key, start_ns, duration_ms, period_ns, counts) VALUES (?, ?, ?, ?, ?)"
_ADD_TIMES = (
    "INSERT INTO sample_times (key, start_ns, duration_ms, period_ns, offsets) VALUES (?, ?, ?, ?, ?)"
)
_TOUCH_HOUR = (
    "INSERT INTO profile_hour (service, type, unit, host, hour, changes) VALUES (?, ?, ?, ?, ?, 1) "
    "ON CONFLICT (service, type, unit, host, hour) DO UPDATE SET changes = profile_hour.changes + 1"
)
_ADD_KEY = (
    "INSERT INTO profile_key (hour, service, type, unit, host, labels, capture) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING"
)
_FIND_KEY = (
    "SELECT id FROM profile_key WHERE hour = ? AND service = ? AND type = ? AND unit = ? "
    "AND host = ? AND labels = ? AND capture = ?"
)


_Key = tuple[int, int, str, str, int, str, str]
_Hour = tuple[int, str, str, int, int]


@dataclass(frozen=True, slots=True)
class _DayRows:
    """What of one batch goes into one day, encoded before the transaction: others wait for its end."""

    batch: BatchKey
    keys: list[_Key]
    values: list[tuple[int, int, int, bytes]]
    timed: list[tuple[_Key, int, int, int, bytes]]
    hours: set[_Hour]


class SqlProfileStore:
    """Holds no state of its own: the engine has the connections."""

    def append(self, batches: Sequence[ProfileBatch]) -> list[int]:
        expired = [0] * len(batches)
        of_day: dict[tuple[str, Kind], list[_DayRows]] = defaultdict(list)
        now_ns = time.time_ns()
        for index, batch in enumerate(batches):
            for day, kind, rows in _by_day(batch.rows):
                if days.takes(day, kind, now_ns):
                    of_day[day, kind].append(_encoded(batch.key, rows))
                else:
                    expired[index] += len(rows)
        for day, kind in sorted(of_day):
            _append_to(day, kind, of_day[day, kind])
        return expired

    def merge(self, which: ProfileFilter, start_ns: int, end_ns: int) -> list[GroupSum]:
        return merge.merge(which, start_ns, end_ns)

    def timed(self, which: ProfileFilter, start_ns: int, end_ns: int) -> Timed:
        return times.timed(which, start_ns, end_ns)

    def stored(self, host_ids: tuple[int, ...], start_ns: int, end_ns: int) -> list[StoredProfiles]:
        return stored.stored(host_ids, start_ns, end_ns)

    def roll_up(self, now_ns: int) -> int:
        return sum(rollup.roll_up_day(day, now_ns) for day in days.stored_days("profiles"))


def _by_day(rows: Sequence[ProfileRow]) -> Iterator[tuple[str, Kind, list[ProfileRow]]]:
    def place(row: ProfileRow) -> tuple[int, Kind]:
        return row.start_ns // DAY_NS, "profiles" if row.capture_id is None else "captures"

    for (day, kind), of_day in groupby(sorted(rows, key=place), key=place):
        yield days.day_of(day * DAY_NS), kind, list(of_day)


def _encoded(batch: BatchKey, rows: Sequence[ProfileRow]) -> _DayRows:
    keys = [_key(batch.host_id, row) for row in rows]
    values = [(*_span(row), encode_counts(row.stack_ids, row.counts)) for row in rows]
    timed = [
        (key, *_span(row), encode_offsets(row.offsets))
        for key, row in zip(keys, rows, strict=True)
        if row.offsets is not None
    ]
    return _DayRows(batch, keys, values, timed, _hours(batch.host_id, rows))


def _span(row: ProfileRow) -> tuple[int, int, int]:
    return row.start_ns, (row.end_ns - row.start_ns) // NS_PER_MS, row.period_ns


def _append_to(day: str, kind: Kind, of_batches: Sequence[_DayRows]) -> None:
    """Every writer comes to the rows that others share in one order, so that no two wait for each other."""
    days.begin(day, kind)
    with days.writing(day, kind) as file:
        in_order = sorted(of_batches, key=lambda rows: rows.batch)
        new = [rows for rows in in_order if applied.claim(file.sql, rows.batch, "profiles")]
        numbers = {key: _number(file, key) for key in sorted({key for rows in new for key in rows.keys})}
        file.sql.executemany(
            _ADD_PROFILE,
            [
                (numbers[key], *values)
                for rows in new
                for key, values in zip(rows.keys, rows.values, strict=True)
            ],
        )
        timed = [(numbers[key], *values) for rows in new for key, *values in rows.timed]
        if timed:
            file.sql.executemany(_ADD_TIMES, timed)
        hours = sorted({hour for rows in new for hour in rows.hours})
        if hours:
            file.sql.executemany(_TOUCH_HOUR, hours)


def _key(host_id: int, row: ProfileRow) -> _Key:
    group, hour = row.group, row.start_ns // HOUR_NS
    labels = labelsets.text_of(row.labels)
    return hour, group.service_id, group.type, group.unit, host_id, labels, row.capture_id or ""


def _number(file: Writing, key: _Key) -> int:
    known = file.keys.get(key)
    if known is None:
        file.sql.execute(_ADD_KEY, key)
        known = file.keys[key] = int(file.sql.execute(_FIND_KEY, key).fetchone()[0])
    return known


def _hours(host_id: int, rows: Iterable[ProfileRow]) -> set[_Hour]:
    """The hours whose rollups no longer hold all: the host's own and that of all hosts (0)."""
    return {
        (
            row.group.service_id,
            row.group.type,
            row.group.unit,
            host,
            row.start_ns // HOUR_NS,
        )
        for row in rows
        if row.capture_id is None
        for host in (host_id, 0)
    }
