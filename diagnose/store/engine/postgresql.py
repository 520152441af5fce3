"""PostgreSQL: tables partitioned by time in a schema for each kind, and a schema for each day's partitions of them.

A transaction looks for its tables in the day's schema alone, so a statement about one day never locks, plans or scans
another. A day ends by dropping its schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.types.numeric import Int8BinaryDumper

from diagnose.store import schema
from diagnose.store.engine.idle import Idle
from diagnose.store.engine.protocol import DayGone, Rows, Sql, Writing
from diagnose.store.schema import Kind, Table

_TYPES = {"integer": "bigint", "real": "double precision", "text": 'text COLLATE "C"', "bytes": "bytea"}
_FIRST_DAY = date(1970, 1, 1).toordinal()
_IDLE = 8
# Held by whoever makes or drops days: both lock the partitioned tables, and in whatever order they come to them.
_LOCK = "SELECT pg_advisory_xact_lock(7236835271034)"
_TABLES = (
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = %s AND c.relkind = 'p'"
)


@dataclass(slots=True)
class _Connection:
    """`keys`: by a day's schema, the numbers of profile keys that are known to be in it."""

    psycopg: psycopg.Connection[Any]
    keys: dict[int, dict[tuple[object, ...], int]] = field(default_factory=dict)

    def close(self) -> None:
        self.psycopg.close()


class PostgresqlEngine:
    """One of Django's databases, over connections of its own: Django's may be inside a transaction."""

    failures = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self._alias = alias
        self._idle: Idle[_Connection] = Idle(_IDLE)

    def days(self, kind: Kind) -> list[str]:
        prefix = schema_of("", kind)
        with self._autocommit() as sql:
            rows = sql.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", (prefix,))
            return sorted(row[0].removeprefix(prefix).replace("_", "-") for row in rows)

    def holds(self, day: str, kind: Kind) -> bool:
        with self._autocommit() as sql:
            found = sql.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema_of(day, kind),))
            return found.fetchone() is not None

    def ensure(self, day: str, kind: Kind) -> None:
        if not self.holds(day, kind):
            with self._autocommit() as sql, sql.transaction():
                sql.execute(_LOCK)
                # Made again they would be locked with all their days, and wait for whoever reads one of them.
                if sql.execute(_TABLES, (_parent_of(kind),)).fetchall()[0][0] < len(schema.TABLES[kind]):
                    sql.execute("".join(_partitioned(kind)))
                sql.execute("".join(_partitions(day, kind)))

    def drop(self, day: str, kind: Kind) -> None:
        """Waits for whoever reads it right now, but not for a backup: nobody could begin a day meanwhile."""
        with self._autocommit() as sql, sql.transaction():
            sql.execute(_LOCK)
            sql.execute("SET LOCAL lock_timeout TO '5s'")
            sql.execute(f"DROP SCHEMA IF EXISTS {schema_of(day, kind)} CASCADE")

    def sizes_bytes(self, kind: Kind) -> dict[str, int]:
        prefix = schema_of("", kind)
        with self._autocommit() as sql:
            rows = sql.execute(
                "SELECT n.nspname, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c "
                "JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE starts_with(n.nspname, %s) AND c.relkind = 'r' GROUP BY 1",
                (prefix,),
            ).fetchall()
        return {name.removeprefix(prefix).replace("_", "-"): int(size) for name, size in rows}

    def tidy(self, day: str, kind: Kind) -> None:
        """Autovacuum does it."""

    def settle(self) -> None:
        """A commit is on disk when it returns."""

    def number_on(self, kind: Kind) -> None:
        with self._autocommit() as sql:
            for table in schema.TABLES[kind] if self.days(kind) else ():
                if table.numbered:
                    name = f"{_parent_of(kind)}.{table.name}"
                    sql.execute(f"SELECT setval('{name}_id', max(id)) FROM {name}")  # noqa: S608

    @contextmanager
    def reading(self, day: str, kind: Kind) -> Iterator[Sql]:
        with self._transaction(day, kind, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as writing:
            yield writing.sql

    @contextmanager
    def writing(self, day: str, kind: Kind) -> Iterator[Writing]:
        """Each statement sees what was committed before it, so that one which waited for a row sees its last form."""
        with self._transaction(day, kind, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE") as writing:
            yield writing

    @contextmanager
    def _transaction(self, day: str, kind: Kind, begin: str) -> Iterator[Writing]:
        with self._borrowed(_begin(begin, schema_of(day, kind))) as (connection, results):
            results.nextset()
            results.nextset()
            found = results.fetchone()
            if found is None:
                raise DayGone(f"the {kind} data of {day} is gone")
            number, made_by = found
            if made_by != str(schema.VERSION):
                raise ValueError(
                    f"{schema_of(day, kind)} has schema {made_by}, this server reads {schema.VERSION}: "
                    "start the server that made it"
                )
            try:
                yield Writing(_Sql(connection.psycopg), connection.keys.setdefault(number, {}))
                connection.psycopg.execute("COMMIT")
            except BaseException:
                connection.keys.pop(number, None)
                raise

    @contextmanager
    def _autocommit(self) -> Iterator[psycopg.Connection[Any]]:
        with self._borrowed("") as (connection, _):
            yield connection.psycopg

    @contextmanager
    def _borrowed(self, begin: str) -> Iterator[tuple[_Connection, psycopg.Cursor[Any]]]:
        """A connection and the results of its first statements; closed after an error, which ends its transaction."""
        name = str(connections[self._alias].settings_dict["NAME"])
        connection, results = self._begun(name, begin)
        try:
            yield connection, results
        except BaseException:
            connection.close()
            raise
        self._idle.give_back(name, connection)

    def _begun(self, name: str, begin: str) -> tuple[_Connection, psycopg.Cursor[Any]]:
        """Idle connections may have died with the server's restart; a new one tells whether it is back."""
        while connection := self._idle.take(name, lambda waiting: not waiting.psycopg.closed):
            try:
                return connection, connection.psycopg.execute(begin)
            except psycopg.OperationalError:
                connection.close()
        connection = _connected(connections[self._alias])
        return connection, connection.psycopg.execute(begin)

    def close_idle(self) -> None:
        self._idle.close(self._idle.names())


POSTGRESQL = PostgresqlEngine()


class _Sql:
    """Statements with `?`, as the store writes them."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, query: str, values: Sequence[Any] = (), /) -> Rows:
        return self._connection.execute(_translated(query), values, binary=True)

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Rows:
        cursor = self._connection.cursor(binary=True)
        cursor.executemany(_translated(query), list(rows))
        return cursor


@cache
def _translated(query: str) -> str:
    return query.replace("?", "%s")


def _connected(to: BaseDatabaseWrapper) -> _Connection:
    params = to.get_connection_params()
    given = {name: value for name, value in params.items() if name not in {"cursor_factory", "context"}}
    connection = psycopg.connect(**given, autocommit=True)
    # By default small integers travel as smaller types, and each mixture is another statement to prepare.
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    connection.execute("SET client_min_messages TO warning")
    return _Connection(connection)


def _parent_of(kind: Kind) -> str:
    return f"telemetry_{kind}"


def schema_of(day: str, kind: Kind) -> str:
    return f"telemetry_{kind}_{day.replace('-', '_')}"


@cache
def _begin(begin: str, name: str) -> str:
    """One round trip: the transaction, where it finds its tables, and the day's schema with who made it."""
    return (
        f"{begin}; SET LOCAL search_path TO {name}; "  # noqa: S608 — the name is made of a kind and a day
        f"SELECT oid::bigint, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = '{name}'"
    )


def _partitioned(kind: Kind) -> Iterator[str]:
    """What makes the tables of all days."""
    yield f"CREATE SCHEMA IF NOT EXISTS {_parent_of(kind)};\n"
    for table in schema.TABLES[kind]:
        yield from _table(table, f"{_parent_of(kind)}.{table.name}")


def _table(table: Table, name: str) -> Iterator[str]:
    columns = [f"{column} {_TYPES[kind]} NOT NULL" for column, kind in table.columns.items()]
    cut_by, key = table.time or "day", table.key
    if table.time is None:
        columns.append("day integer NOT NULL")
        key = (*key, "day") if key else ()
    if table.numbered:
        yield f"CREATE SEQUENCE IF NOT EXISTS {name}_id;\n"
        columns.append(f"id bigint NOT NULL DEFAULT nextval('{name}_id')")
    if key:
        columns.append(f"PRIMARY KEY ({', '.join(key)})")
    yield f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(columns)}) PARTITION BY RANGE ({cut_by});\n"
    for column in (column for column, kind in table.columns.items() if kind == "bytes"):
        # Compressed already: another attempt costs time and gains nothing.
        yield f"ALTER TABLE {name} ALTER COLUMN {column} SET STORAGE EXTERNAL;\n"
    for number, index in enumerate(table.indexes):
        yield f"CREATE INDEX IF NOT EXISTS {table.name}_{number} ON {name} ({', '.join(index)});\n"


def _partitions(day: str, kind: Kind) -> Iterator[str]:
    """What makes one day's part of them; whoever comes second finds it done."""
    name, number = schema_of(day, kind), date.fromisoformat(day).toordinal() - _FIRST_DAY
    yield f"CREATE SCHEMA IF NOT EXISTS {name};\nCOMMENT ON SCHEMA {name} IS '{schema.VERSION}';\n"
    for table in schema.TABLES[kind]:
        default = f" (day DEFAULT {number})" if table.time is None else ""
        length = table.day_length if table.time else 1
        yield (
            f"CREATE TABLE IF NOT EXISTS {name}.{table.name} PARTITION OF {_parent_of(kind)}.{table.name}{default} "
            f"FOR VALUES FROM ({number * length}) TO ({(number + 1) * length});\n"
        )
