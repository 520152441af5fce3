"""Asking for many keys at once: `IN` lists no longer than every engine takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from diagnose.store.engine.protocol import Sql

_KEYS = 500


def many(sql: Sql, query: str, keys: Iterable[int], values: Sequence[Any] = ()) -> list[Any]:
    """All rows of a query whose `{}` stands for the keys; `values` are those behind them."""
    wanted, rows = list(keys), []
    for begin in range(0, len(wanted), _KEYS):
        some = wanted[begin : begin + _KEYS]
        rows += sql.execute(query.format(", ".join("?" * len(some))), (*some, *values)).fetchall()
    return rows
