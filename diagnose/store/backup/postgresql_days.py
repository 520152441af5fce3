"""The days of one moment in PostgreSQL: one transaction sees all of them, and the main database, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

from diagnose.store.backup import snapshot
from diagnose.store.backup.snapshot import Day
from diagnose.store.backup.tally import Row
from diagnose.store.engine.postgresql import schema_of
from diagnose.store.schema import TABLES, Table

_AT_ONCE = 2000


class PostgresqlDays:
    """What the transaction of the connection sees."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection

    def days(self) -> list[Day]:
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT nspname FROM pg_namespace")
            names = {row[0] for row in cursor.fetchall()}
        found = []
        for kind in TABLES:
            prefix = schema_of("", kind)
            found += [
                Day(kind, name.removeprefix(prefix).replace("_", "-"))
                for name in names
                if name.startswith(prefix)
            ]
        return sorted(found)

    def rows(self, day: Day, table: Table) -> Iterator[Row]:
        """Over a cursor of the server: a day may be larger than memory."""
        names = ", ".join(snapshot.stored_columns(table))
        source = f"{schema_of(day.day, day.kind)}.{table.name}"
        with self._connection.connection.cursor(name="backup") as cursor:
            cursor.itersize = _AT_ONCE
            yield from cursor.execute(f"SELECT {names} FROM {source}")  # noqa: S608

    def fingerprint(self, _day: Day) -> str:
        return ""


@contextmanager
def days_at(connection: BaseDatabaseWrapper) -> Iterator[PostgresqlDays]:
    with snapshot.reading(connection):
        yield PostgresqlDays(connection)
