"""Connections to the day files: kept between uses, per process, and given up when their file was unlinked."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from diagnose.store.days import SCHEMA_VERSION

_IDLE_PER_FILE = 4
_IDLE_FILES = 16
_BUSY_SECONDS = 20.0


@dataclass(slots=True)
class DayConnection:
    """An open day file and the numbers of profile keys that this connection knows to be in it."""

    sql: sqlite3.Connection
    inode: int
    keys: dict[tuple[object, ...], int] = field(default_factory=dict)


_lock = threading.Lock()
# By process: a connection must not be used, nor closed, on the other side of a fork.
_idle: dict[int, dict[Path, list[DayConnection]]] = defaultdict(dict)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """One consistent view. Fetch and leave: a long read keeps the write-ahead log growing."""
    with _borrowed(path) as day:
        day.sql.execute("BEGIN")
        try:
            yield day.sql
        finally:
            if day.sql.in_transaction:
                day.sql.execute("ROLLBACK")


@contextmanager
def writing(path: Path) -> Iterator[DayConnection]:
    """One transaction that begins as a writer: read-then-write would meet "locked" instead of waiting."""
    with _borrowed(path) as day:
        day.sql.execute("BEGIN IMMEDIATE")
        try:
            yield day
            day.sql.execute("COMMIT")
        except BaseException:
            day.keys.clear()
            if day.sql.in_transaction:
                day.sql.execute("ROLLBACK")
            raise


def checkpoint(path: Path) -> None:
    """Move the write-ahead log into the file and free its room, as far as readers allow."""
    with _borrowed(path) as day:
        day.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


@contextmanager
def _borrowed(path: Path) -> Iterator[DayConnection]:
    day = _take(path) or _open(path)
    try:
        yield day
    except BaseException:
        day.sql.close()
        raise
    _give_back(path, day)


def _take(path: Path) -> DayConnection | None:
    inode = path.stat().st_ino
    with _lock:
        waiting = _idle[os.getpid()].get(path, [])
        while waiting:
            day = waiting.pop()
            if day.inode == inode:
                return day
            day.sql.close()
    return None


def _give_back(path: Path, day: DayConnection) -> None:
    with _lock:
        waiting = _idle[os.getpid()].setdefault(path, [])
        if len(waiting) < _IDLE_PER_FILE:
            waiting.append(day)
            return
    day.sql.close()


def _close_forgotten() -> None:
    """Give up files that are gone or were not asked for in a long time, so that they hold no space."""
    with _lock:
        files = _idle[os.getpid()]
        gone = [path for path in files if not path.exists()]
        old = [path for path in files if path not in gone][: max(0, len(files) - len(gone) - _IDLE_FILES)]
        for path in (*gone, *old):
            for day in files.pop(path):
                day.sql.close()


def _open(path: Path) -> DayConnection:
    """Raises sqlite3.OperationalError when the file is gone, ValueError when a newer server made it."""
    _close_forgotten()
    sql = sqlite3.connect(
        f"file:{path}?mode=rw",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    sql.execute("PRAGMA synchronous=NORMAL")
    sql.execute("PRAGMA cache_size=-16000")
    # The same index pages are written again and again: fewer checkpoints copy them, and sync, less often.
    sql.execute("PRAGMA wal_autocheckpoint=8000")
    version = sql.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        sql.close()
        raise ValueError(
            f"{path.name} has schema {version}, this server reads {SCHEMA_VERSION}: start the server that made it"
        )
    return DayConnection(sql, path.stat().st_ino)
