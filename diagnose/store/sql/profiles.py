"""`ProfileStore` in SQL: a row per profile among the day's profiles or captures, hourly sums in its rollups."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from diagnose.store import applied, days, labelsets
from diagnose.store.blob import encode_many
from diagnose.store.engine.protocol import Writing
from diagnose.store.offsetblob import encode_offsets
from diagnose.store.protocols import GroupSum, ProfileFilter, StoredProfiles, Timed
from diagnose.store.rows import HOUR_NS, NS_PER_MS, BatchKey, ProfileBatch, ProfileRow
from diagnose.store.schema import Kind
from diagnose.store.sql import labels, merge, rollup, stored, times

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
        of_day: dict[tuple[str, Kind], dict[int, list[ProfileRow]]] = defaultdict(lambda: defaultdict(list))
        for index, batch in enumerate(batches):
            for row in batch.rows:
                kind: Kind = "profiles" if row.capture_id is None else "captures"
                of_day[days.day_of(row.start_ns), kind][index].append(row)
        now_ns = time.time_ns()
        for (day, kind), rows in sorted(of_day.items()):
            if days.takes(day, kind, now_ns):
                _append_to(day, kind, _encoded([(batches[index].key, some) for index, some in rows.items()]))
            else:
                for index, some in rows.items():
                    expired[index] += len(some)
        return expired

    def merge(self, which: ProfileFilter, start_ns: int, end_ns: int) -> list[GroupSum]:
        return merge.merge(which, start_ns, end_ns)

    def timed(self, which: ProfileFilter, start_ns: int, end_ns: int) -> Timed:
        return times.timed(which, start_ns, end_ns)

    def stored(self, host_ids: tuple[int, ...], start_ns: int, end_ns: int) -> list[StoredProfiles]:
        return stored.stored(host_ids, start_ns, end_ns)

    def label_sets(self, which: ProfileFilter, start_ns: int, end_ns: int) -> set[tuple[int, str]]:
        return labels.label_sets(which, start_ns, end_ns)

    def roll_up(self, now_ns: int) -> int:
        return sum(rollup.roll_up_day(day, now_ns) for day in days.stored_days("profiles"))


def _encoded(batches: Sequence[tuple[BatchKey, Sequence[ProfileRow]]]) -> list[_DayRows]:
    blobs = iter(encode_many([(row.stack_ids, row.counts) for _, rows in batches for row in rows]))
    return [_day_rows(batch, rows, blobs) for batch, rows in batches]


def _day_rows(batch: BatchKey, rows: Sequence[ProfileRow], blobs: Iterator[bytes]) -> _DayRows:
    keys = [_key(batch.host_id, row) for row in rows]
    values = [(*_span(row), next(blobs)) for row in rows]
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
        named = {rows.batch.name: rows for rows in of_batches}
        claimed = applied.claim(file.sql, [named[name].batch for name in sorted(named)], "profiles")
        new = [named[name] for name in sorted(claimed)]
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
    carried = labelsets.text_of(row.labels)
    return hour, group.service_id, group.type, group.unit, host_id, carried, row.capture_id or ""


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
