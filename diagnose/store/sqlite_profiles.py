"""`ProfileStore` on SQLite: a row per profile in the day's raw file, hourly sums in the day's rollup file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from itertools import groupby

from diagnose.store import applied, connections, days, sqlite_merge, sqlite_rollup, sqlite_stored
from diagnose.store.blob import encode_counts
from diagnose.store.connections import DayConnection
from diagnose.store.protocols import GroupSum, ProfileFilter, StoredProfiles
from diagnose.store.rows import HOUR_NS, NS_PER_MS, BatchKey, ProfileRow

_ADD_PROFILE = "INSERT INTO profile (key, start_ns, duration_ms, period_ns, counts) VALUES (?, ?, ?, ?, ?)"
_TOUCH_HOUR = (
    "INSERT INTO profile_hour VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET changes = changes + 1"
)
_ADD_KEY = (
    "INSERT OR IGNORE INTO profile_key (service, type, unit, host, labels, capture) VALUES (?, ?, ?, ?, ?, ?)"
)
_FIND_KEY = (
    "SELECT id FROM profile_key WHERE service = ? AND type = ? AND unit = ? "
    "AND host = ? AND labels = ? AND capture = ?"
)


class SqliteProfileStore:
    """Holds no state of its own: files and connections are shared by all instances of a process."""

    def append(self, batch: BatchKey, rows: Sequence[ProfileRow]) -> int:
        expired = 0
        by_day = sorted(rows, key=lambda row: row.start_ns)
        for day, of_day in groupby(by_day, key=lambda row: days.day_of(row.start_ns)):
            if days.takes(day, time.time_ns()):
                _append_to(day, batch, list(of_day))
            else:
                expired += len(list(of_day))
        return expired

    def merge(self, which: ProfileFilter, start_ns: int, end_ns: int) -> list[GroupSum]:
        return sqlite_merge.merge(which, start_ns, end_ns)

    def stored(self, host_ids: tuple[int, ...], start_ns: int, end_ns: int) -> list[StoredProfiles]:
        return sqlite_stored.stored(host_ids, start_ns, end_ns)

    def roll_up(self, now_ns: int) -> int:
        return sum(sqlite_rollup.roll_up_day(day, now_ns) for day in days.stored_days("raw"))


def _append_to(day: str, batch: BatchKey, rows: list[ProfileRow]) -> None:
    blobs = [encode_counts(row.stack_ids, row.counts) for row in rows]
    keys = [_key(batch.host_id, row) for row in rows]
    with connections.writing(days.ensure(day, "raw")) as file:
        if not applied.claim(file.sql, batch, "profiles"):
            return
        file.sql.executemany(
            _ADD_PROFILE,
            [
                (
                    _number(file, key),
                    row.start_ns,
                    (row.end_ns - row.start_ns) // NS_PER_MS,
                    row.period_ns,
                    blob,
                )
                for row, key, blob in zip(rows, keys, blobs, strict=True)
            ],
        )
        file.sql.executemany(_TOUCH_HOUR, _hours(batch.host_id, rows))


def _key(host_id: int, row: ProfileRow) -> tuple[object, ...]:
    group = row.group
    labels = json.dumps(dict(sorted(row.labels.items())), ensure_ascii=False, separators=(",", ":"))
    capture = row.capture_id or ""
    return group.service_id, group.type, group.unit, host_id, labels, capture


def _number(file: DayConnection, key: tuple[object, ...]) -> int:
    known = file.keys.get(key)
    if known is None:
        file.sql.execute(_ADD_KEY, key)
        known = file.keys[key] = int(file.sql.execute(_FIND_KEY, key).fetchone()[0])
    return known


def _hours(host_id: int, rows: Iterable[ProfileRow]) -> set[tuple[object, ...]]:
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
