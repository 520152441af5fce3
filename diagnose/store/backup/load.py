"""Writes a whole installation into an empty place: all of it or nothing, checked row by row once it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from diagnose.models import Host, User
from diagnose.store.backup import archive, relational
from diagnose.store.backup.archive import TableEntry
from diagnose.store.backup.snapshot import Day, Stream, snapshot
from diagnose.store.backup.tally import Tally, some_at_once
from diagnose.store.engine.protocol import Engine
from diagnose.store.schema import TABLES

Tables = dict[str, TableEntry]
Say = Callable[[str], None]


class Place(NamedTuple):
    """Where an installation lies: its main database, which is migrated, and what keeps its telemetry."""

    connection: BaseDatabaseWrapper
    engine: Engine


class Source(Protocol):
    """Where it comes from: a backup, or another place."""

    def stored_days(self) -> list[Day]: ...

    def telemetry(self, day: Day) -> Iterator[Stream]: ...

    def relational(self) -> Iterator[Stream]: ...

    def numbers(self) -> Mapping[str, int]: ...


class NotEmpty(Exception):
    """There is an installation already; the message says what of it."""


class Different(Exception):
    """What arrived is not what was sent; the message says where."""


def require_empty(place: Place) -> None:
    """Raises NotEmpty."""
    for kind in TABLES:
        for day in place.engine.days(kind):
            raise NotEmpty(f"{kind} of {day} there already")
    for model in (Host, User):
        count = model._base_manager.using(place.connection.alias).count()
        if count:
            names = model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural
            raise NotEmpty(f"{count} {names} there already")


def load(source: Source, place: Place, say: Say) -> dict[str, Tables]:
    """What was written, by file of a backup and table. After an error, whatever it is, the place is empty again."""
    try:
        written = {archive.name_of(day): _load_day(source, place.engine, day) for day in source.stored_days()}
        for kind in TABLES:
            place.engine.number_on(kind)
        say(f"telemetry: {_sum(written)} rows of {len(written)} days and kinds")
        written[archive.MAIN] = _load_relational(source, place.connection)
        say(f"everything else: {_sum({'': written[archive.MAIN]})} rows")
        compare(place, written)
    except BaseException:
        clear(place)
        raise
    return written


def clear(place: Place) -> None:
    """Drop all telemetry and delete all rows."""
    for kind in TABLES:
        for day in place.engine.days(kind):
            place.engine.drop(day, kind)
    with transaction.atomic(place.connection.alias):
        relational.empty(place.connection)


def compare(place: Place, expected: Mapping[str, Tables]) -> None:
    """Read all of the place and hold it against what it should have. Raises Different."""
    found = {}
    with snapshot(place.connection.alias) as now:
        for day in now.stored_days():
            found[archive.name_of(day)] = _tallied(now.telemetry(day))
        found[archive.MAIN] = _tallied(now.relational())
    for name in sorted({*expected, *found}):
        for table in sorted({*expected.get(name, {}), *found.get(name, {})}):
            sent, there = expected.get(name, {}).get(table), found.get(name, {}).get(table)
            if sent != there:
                raise Different(f"{table} of {name}: {_words(sent)} expected, {_words(there)} found")


def _load_day(source: Source, engine: Engine, day: Day) -> Tables:
    written = {}
    engine.ensure(day.day, day.kind)
    for table in source.telemetry(day):
        names, places = ", ".join(table.columns), ", ".join("?" * len(table.columns))
        into = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608
        tally = Tally()
        with engine.writing(day.day, day.kind) as file:
            for some in some_at_once(tally.counting(table.rows)):
                file.sql.executemany(into, some)
        written[table.name] = TableEntry(tally.rows, tally.digest)
    engine.tidy(day.day, day.kind)
    return written


def _load_relational(source: Source, connection: BaseDatabaseWrapper) -> Tables:
    written = {}
    models = {model._meta.db_table: model for model in relational.tables()}
    with transaction.atomic(connection.alias):
        relational.empty(connection)
        for table in source.relational():
            tally = Tally()
            relational.insert(connection, models[table.name], tally.counting(table.rows))
            written[table.name] = TableEntry(tally.rows, tally.digest)
        _number_on(connection, source.numbers())
    return written


def _number_on(connection: BaseDatabaseWrapper, numbers: Mapping[str, int]) -> None:
    """New rows get higher numbers than any that was ever given, even to rows that are gone."""
    with connection.cursor() as cursor:
        for name, number in numbers.items():
            if connection.vendor == "postgresql":
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [name, max(1, number)])
            else:
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [name])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [name, number])


def _tallied(tables: Iterator[Stream]) -> Tables:
    found = {}
    for table in tables:
        tally = Tally()
        for row in table.rows:
            tally.add(row)
        found[table.name] = TableEntry(tally.rows, tally.digest)
    return found


def _sum(written: Mapping[str, Tables]) -> str:
    return f"{sum(entry.rows for tables in written.values() for entry in tables.values()):,}"


def _words(entry: TableEntry | None) -> str:
    return "nothing" if entry is None else f"{entry.rows} rows ({entry.digest[:8]})"
