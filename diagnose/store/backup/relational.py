"""The rows of all Django tables as plain values (numbers, text, bytes), the same whatever engine they come from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from diagnose.store.backup.tally import Row, some_at_once

_READ_AT_ONCE = 1000
Model = type[models.Model]


def tables() -> list[Model]:
    """Every table that migrations make, those behind many-to-many fields included."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]


def columns(model: Model) -> list[str]:
    return [field.attname for field in model._meta.local_concrete_fields]


def rows(model: Model, connection: BaseDatabaseWrapper) -> Iterator[Row]:
    fields = model._meta.local_concrete_fields
    query = model._base_manager.order_by("pk").values_list(*columns(model)).query
    found = query.get_compiler(connection=connection).results_iter(
        chunked_fetch=True, chunk_size=_READ_AT_ONCE
    )
    for row in found:
        yield [_plain(field, value) for field, value in zip(fields, row, strict=True)]


def empty(alias_connection: BaseDatabaseWrapper) -> None:
    """Delete all rows of all tables, in the caller's transaction."""
    with alias_connection.cursor() as cursor:
        for model in tables():
            cursor.execute(f"DELETE FROM {_quoted(alias_connection, model._meta.db_table)}")  # noqa: S608


def insert(connection: BaseDatabaseWrapper, model: Model, plain_rows: Iterable[Row]) -> None:
    """As they are: no times are set anew, no numbers given."""
    fields = model._meta.local_concrete_fields
    names = ", ".join(_quoted(connection, str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    into = f"INSERT INTO {_quoted(connection, model._meta.db_table)} ({names}) VALUES ({places})"  # noqa: S608
    with connection.cursor() as cursor:
        for some in some_at_once(plain_rows):
            cursor.executemany(
                into,
                [
                    [_for_database(f, value, connection) for f, value in zip(fields, row, strict=True)]
                    for row in some
                ],
            )


def _quoted(connection: BaseDatabaseWrapper, name: str) -> str:
    return str(connection.ops.quote_name(name))


def _plain(field: Any, value: Any) -> Any:
    if isinstance(field, models.JSONField) and value is not None:
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return bytes(value) if isinstance(value, memoryview) else value


def _for_database(field: Any, value: Any, connection: BaseDatabaseWrapper) -> Any:
    if isinstance(field, models.JSONField) and value is not None:
        value = json.loads(value)
    return field.get_db_prep_save(field.to_python(value), connection)
