"""The telemetry files: one SQLite file of raw data and one of rollups for each day (UTC), in DATA_DIR/telemetry.

A day ends by unlinking its file: DELETE took seconds and frees nothing. A raw file that was dropped is not made
anew as long as its rollups stand, so late data cannot replace a day's rollup by a part of it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from django.conf import settings

from diagnose.store.rows import DAY_NS

Kind = Literal["raw", "rollup"]
SCHEMA_VERSION = 1
_SUFFIX: dict[Kind, str] = {"raw": ".sqlite3", "rollup": ".rollup.sqlite3"}

# A profile's key is everything but its time and counts; keys repeat, so a row needs only their number.
_RAW = """
CREATE TABLE applied (host INTEGER, epoch TEXT, seq INTEGER, part TEXT, shift_ns INTEGER NOT NULL,
    PRIMARY KEY (host, epoch, seq, part)) WITHOUT ROWID;
CREATE TABLE profile_key (id INTEGER PRIMARY KEY, service INTEGER NOT NULL, type TEXT NOT NULL,
    unit TEXT NOT NULL, host INTEGER NOT NULL, labels TEXT NOT NULL, capture TEXT NOT NULL,
    UNIQUE (service, type, unit, host, labels, capture));
CREATE TABLE profile (id INTEGER PRIMARY KEY, key INTEGER NOT NULL, start_ns INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL, period_ns INTEGER NOT NULL, counts BLOB NOT NULL);
CREATE INDEX profile_by_time ON profile (key, start_ns);
CREATE TABLE profile_hour (service INTEGER, type TEXT, unit TEXT, host INTEGER, hour INTEGER,
    changes INTEGER NOT NULL, PRIMARY KEY (service, type, unit, host, hour)) WITHOUT ROWID;
CREATE TABLE hot (id INTEGER PRIMARY KEY, host INTEGER NOT NULL, hour INTEGER NOT NULL,
    first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, points BLOB NOT NULL);
CREATE INDEX hot_by_hour ON hot (host, hour);
CREATE TABLE chunk_times (host INTEGER, hour INTEGER, number INTEGER, times BLOB NOT NULL,
    PRIMARY KEY (host, hour, number)) WITHOUT ROWID;
CREATE TABLE chunk (series INTEGER, hour INTEGER, host INTEGER NOT NULL, times INTEGER NOT NULL,
    vals BLOB NOT NULL, PRIMARY KEY (series, hour)) WITHOUT ROWID;
CREATE TABLE histogram (id INTEGER PRIMARY KEY, series INTEGER NOT NULL, time_ms INTEGER NOT NULL,
    scheme TEXT NOT NULL, sum REAL NOT NULL, counts BLOB NOT NULL);
CREATE INDEX histogram_by_time ON histogram (series, time_ms);
"""

# `host` 0 is the sum over all hosts; `changes` says up to which change of the raw hour the row holds.
_ROLLUP = """
CREATE TABLE profile_rollup (id INTEGER PRIMARY KEY, service INTEGER NOT NULL, type TEXT NOT NULL,
    unit TEXT NOT NULL, host INTEGER NOT NULL, hour INTEGER NOT NULL, changes INTEGER NOT NULL,
    profiles INTEGER NOT NULL, seconds REAL NOT NULL, samples INTEGER NOT NULL, period_ns INTEGER NOT NULL,
    counts BLOB NOT NULL, UNIQUE (service, type, unit, host, hour));
CREATE INDEX profile_rollup_summary ON profile_rollup
    (hour, host, service, type, unit, changes, profiles, seconds);
"""
_SCHEMA: dict[Kind, str] = {"raw": _RAW, "rollup": _ROLLUP}


def folder() -> Path:
    return Path(settings.DATA_DIR) / "telemetry"


def day_of(ns: int) -> str:
    """The UTC day of a Unix time, as the files are named."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=ns // DAY_NS)).date().isoformat()


def start_of(day: str) -> int:
    """The first nanosecond of a day."""
    return (datetime.fromisoformat(day) - datetime(1970, 1, 1)).days * DAY_NS


def path_of(day: str, kind: Kind) -> Path:
    return folder() / f"{day}{_SUFFIX[kind]}"


def stored_days(kind: Kind) -> list[str]:
    """Oldest first."""
    suffix = _SUFFIX[kind]
    names = (path.name.removesuffix(suffix) for path in folder().glob(f"????-??-??{suffix}"))
    return sorted(name for name in names if len(name) == len("2000-01-01"))


def days_between(start_ns: int, end_ns: int) -> Iterator[str]:
    """The stored days, raw or rolled up, that a half-open range touches; oldest first."""
    first, last = day_of(start_ns), day_of(max(start_ns, end_ns - 1))
    for day in sorted({*stored_days("raw"), *stored_days("rollup")}):
        if first <= day <= last:
            yield day


def oldest_kept(now_ns: int) -> str:
    """Raw data before this day is past its retention."""
    return day_of(now_ns - settings.CONFIG["RETENTION_RAW_DAYS"] * DAY_NS)


def takes(day: str, now_ns: int) -> bool:
    """Whether raw data of this day may still be written."""
    dropped = path_of(day, "rollup").exists() and not path_of(day, "raw").exists()
    return day >= oldest_kept(now_ns) and not dropped


def ensure(day: str, kind: Kind) -> Path:
    """The day's file, made when it is not there. It appears whole: several processes may make it at once."""
    path = path_of(day, kind)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with closing(sqlite3.connect(draft)) as made:
            made.execute("PRAGMA journal_mode=WAL")
            made.executescript(_SCHEMA[kind])
            made.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        try:
            os.link(draft, path)
        except FileExistsError:
            return path
    finally:
        draft.unlink(missing_ok=True)
    return path


def drop(day: str, kind: Kind) -> None:
    """Unlink a day. Whoever reads it right now reads on; the space comes back when they are done."""
    path = path_of(day, kind)
    for part in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        part.unlink(missing_ok=True)


def size_bytes(day: str, kind: Kind) -> int:
    """Bytes of a day's file and its write-ahead log."""
    path = path_of(day, kind)
    return sum(part.stat().st_size for part in (path, path.with_name(path.name + "-wal")) if part.exists())
