"""The day files of one moment: while nobody can move the mark, a reading transaction is begun on each of them."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

from django.db.backends.base.base import BaseDatabaseWrapper

from diagnose.store.backup import snapshot
from diagnose.store.backup.snapshot import Day
from diagnose.store.backup.tally import Row
from diagnose.store.engine.protocol import DayGone, Sql
from diagnose.store.engine.sqlite import SQLITE, path_of
from diagnose.store.schema import Kind, Table

# Rollups first: one that is newer than its raw data would seem to hold what comes later.
_ORDER: tuple[Kind, ...] = ("rollup", "profiles", "points", "captures")
_LOCK_SECONDS = 60.0


class SqliteDays:
    """Connections that were pinned to the moment; writers go on, and their write-ahead logs grow meanwhile."""

    def __init__(self) -> None:
        self._open: dict[Day, Sql] = {}
        self._fingerprints: dict[Day, str] = {}

    def pin(self, stack: ExitStack) -> None:
        for kind in _ORDER:
            for name in SQLITE.days(kind):
                day = Day(kind, name)
                fingerprint = _fingerprint(day)  # before: what is written in between makes it another
                with suppress(DayGone):  # dropped right now
                    sql = stack.enter_context(SQLITE.reading(name, kind))
                    sql.execute("SELECT count(*) FROM sqlite_master").fetchall()
                    self._open[day], self._fingerprints[day] = sql, fingerprint

    def days(self) -> list[Day]:
        return sorted(self._open)

    def rows(self, day: Day, table: Table) -> Iterator[Row]:
        names = ", ".join(snapshot.stored_columns(table))
        yield from self._open[day].execute(f"SELECT {names} FROM {table.name}")  # noqa: S608

    def fingerprint(self, day: Day) -> str:
        return self._fingerprints[day]


@contextmanager
def days_at(connection: BaseDatabaseWrapper) -> Iterator[SqliteDays]:
    _allow_many_files()
    days = SqliteDays()
    main = str(connection.settings_dict["NAME"])
    with ExitStack() as stack:
        with closing(sqlite3.connect(main, timeout=_LOCK_SECONDS, isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            days.pin(stack)
            stack.enter_context(snapshot.reading(connection))
        yield days


def _allow_many_files() -> None:
    """Three for each day and kind; a year of them is more than the usual 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _fingerprint(day: Day) -> str:
    """Any write changes the file or its write-ahead log."""
    path = path_of(day.day, day.kind)
    found = []
    for part in (path, path.with_name(path.name + "-wal")):
        with suppress(FileNotFoundError):
            stat = part.stat()
            if stat.st_size:  # an empty log comes with reading
                found.append(f"{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}")
    return " ".join(found)
