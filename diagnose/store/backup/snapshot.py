"""Everything that is stored, as it was at one moment, read while others go on writing.

The mark of committed batches and the numbers of stacks and series must not be older or newer than the telemetry: a
mark that is ahead loses batches, a number that is missing is given to another stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple, Protocol

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from diagnose.store.backup import relational
from diagnose.store.backup.tally import Row
from diagnose.store.schema import TABLES, Kind, Table


class Day(NamedTuple):
    """One kind of data of one day (UTC)."""

    kind: Kind
    day: str


class Stream(NamedTuple):
    """One table as it passes by; its rows can be read once, before the next one's."""

    name: str
    columns: list[str]
    rows: Iterable[Row]


class Days(Protocol):
    """The telemetry of one moment."""

    def days(self) -> list[Day]: ...

    def rows(self, day: Day, table: Table) -> Iterator[Row]: ...

    def fingerprint(self, day: Day) -> str:
        """Equal to an earlier one only if nothing was written in between; empty when nobody can say."""


class Snapshot:
    """Reads through a connection of its own, in one transaction. A `Source` for `load`."""

    def __init__(self, connection: BaseDatabaseWrapper, days: Days) -> None:
        self.connection = connection
        self.days = days

    def stored_days(self) -> list[Day]:
        return self.days.days()

    def relational(self) -> Iterator[Stream]:
        for model in relational.tables():
            rows = relational.rows(model, self.connection)
            yield Stream(model._meta.db_table, relational.columns(model), rows)

    def telemetry(self, day: Day) -> Iterator[Stream]:
        for table in TABLES[day.kind]:
            yield Stream(table.name, stored_columns(table), self.days.rows(day, table))

    def numbers(self) -> dict[str, int]:
        """The highest number that each relational table has ever given: it must not be given again."""
        with self.connection.cursor() as cursor:
            cursor.execute(_NUMBERS[self.connection.vendor])
            found = {name: number for name, number in cursor.fetchall() if number is not None}
        return {name: number for name, number in found.items() if name != "django_migrations"}


_NUMBERS = {
    "sqlite": "SELECT name, seq FROM sqlite_sequence",
    "postgresql": "SELECT regexp_replace(sequencename, '_id_seq$', ''), last_value FROM pg_sequences "
    "WHERE schemaname = current_schema()",
}


def stored_columns(table: Table) -> list[str]:
    return [*(["id"] if table.numbered else []), *table.columns]


@contextmanager
def snapshot(alias: str = DEFAULT_DB_ALIAS) -> Iterator[Snapshot]:
    """Of one of Django's databases and the telemetry that belongs to it."""
    with _own_connection(alias) as connection, _days_at(connection) as days:
        yield Snapshot(connection, days)


@contextmanager
def _own_connection(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """Django's other connections may be inside a transaction."""
    connection = connections[alias].copy()
    try:
        yield connection
    finally:
        connection.close()


def _days_at(connection: BaseDatabaseWrapper) -> AbstractContextManager[Days]:
    if connection.vendor == "sqlite":
        from diagnose.store.backup.sqlite_days import days_at
    else:
        from diagnose.store.backup.postgresql_days import days_at  # type: ignore[assignment]
    return days_at(connection)


@contextmanager
def reading(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """One view of the main database until the end. Django itself would begin as a writer."""
    begin = {"sqlite": "BEGIN", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
    with connection.cursor() as cursor:
        cursor.execute(begin[connection.vendor])
        cursor.execute("SELECT count(*) FROM django_migrations")
        cursor.fetchall()
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
