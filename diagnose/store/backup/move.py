"""Moves an installation from the database that the settings name to an empty PostgreSQL: all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.db import DatabaseError, connections

from diagnose.store.backup import load
from diagnose.store.backup.load import Place, Say
from diagnose.store.backup.snapshot import snapshot

_ALIAS = "moved"


def move(database: dict[str, Any], say: Say) -> None:
    """`database` is an entry of Django's DATABASES. Raises load.NotEmpty, load.Different, DatabaseError."""
    import psycopg  # an extra

    try:
        with _place(database) as place:
            load.require_empty(place)
            with snapshot() as now:
                load.load(now, place, say)
    except psycopg.Error as error:
        raise DatabaseError(str(error)) from error
    say("read back and compared, row by row: all the same")


@contextmanager
def _place(database: dict[str, Any]) -> Iterator[Place]:
    """The new database with all tables."""
    from diagnose.store.engine.postgresql import PostgresqlEngine

    defaults = {name: value for name, value in connections.settings["default"].items() if name != "OPTIONS"}
    connections.databases[_ALIAS] = {**defaults, "OPTIONS": {}, **database}
    engine = PostgresqlEngine(_ALIAS)
    try:
        call_command("migrate", database=_ALIAS, interactive=False, verbosity=0)
        yield Place(connections[_ALIAS], engine)
    finally:
        engine.close_idle()
        connections[_ALIAS].close()
        del connections[_ALIAS], connections.databases[_ALIAS]
