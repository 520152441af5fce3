"""Tables that a person can order by any column; the order stands in the address (`?order=-cpu`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.utils.functional import Promise

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """`value` gives what to order by; None goes last either way. `falling`: largest first at the first click."""

    key: str
    title: str | Promise
    value: Callable[[Row], Any]
    falling: bool = False
    note: str | Promise = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """One head cell: `order` is what a click on it puts into the address."""

    title: str | Promise
    note: str | Promise
    number: bool
    order: str
    sort: str


def ordered(
    rows: Sequence[Row], columns: Sequence[Column[Row]], given: str, default: str
) -> tuple[list[Row], list[Heading]]:
    """The rows in the given order, or the default when there is no such column, and the table's head."""
    by_key = {column.key: column for column in columns}
    order = given if given.lstrip("-") in by_key else default
    falling, chosen = order.startswith("-"), by_key[order.lstrip("-")]
    known = [row for row in rows if chosen.value(row) is not None]
    unknown = [row for row in rows if chosen.value(row) is None]
    known.sort(key=chosen.value, reverse=falling)
    return known + unknown, [_heading(column, chosen, falling) for column in columns]


def _heading(column: Column[Any], chosen: Column[Any], falling: bool) -> Heading:
    current = column is chosen
    next_falling = not falling if current else column.falling
    sort = ("descending" if falling else "ascending") if current else ""
    return Heading(
        column.title, column.note, column.falling, f"{'-' if next_falling else ''}{column.key}", sort
    )
