"""What is known of a host besides numbers: facts with their changes, and events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

from diagnose.models import Fact, FactChange, HostEvent
from diagnose.store.rows import NS_PER_MS

Stored = TypeVar("Stored", bound=Model)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class FactRow:
    """The current value and since when it holds."""

    name: str
    value: str
    since: datetime


@dataclass(frozen=True, slots=True)
class FactChangeRow:
    name: str
    before: str
    after: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EventRow:
    kind: str
    at: datetime
    fields: Mapping[str, str]


class Listed(Generic[Stored, Row]):
    """Rows that are read when they are sliced."""

    def __init__(self, query: QuerySet[Stored], row_of: Callable[[Stored], Row]) -> None:
        self._query, self._row_of = query, row_of

    def __getitem__(self, place: slice) -> list[Row]:
        return [self._row_of(each) for each in self._query[place]]


def facts(host_id: int) -> list[FactRow]:
    """Ordered by name."""
    rows = Fact.objects.filter(host_id=host_id).order_by("name")
    return [FactRow(row.name, row.value, row.since) for row in rows]


def changes(host_id: int, start_ns: int, end_ns: int) -> list[FactChangeRow]:
    """In the half-open range, oldest first."""
    return changes_of(host_id, start_ns, end_ns)[:]


def changes_of(host_id: int, start_ns: int, end_ns: int, name: str = "") -> Listed[FactChange, FactChangeRow]:
    """The same to be read in parts; of the facts whose names begin with `name`."""
    rows = FactChange.objects.filter(host_id=host_id, at__gte=_at(start_ns), at__lt=_at(end_ns))
    return Listed(
        rows.filter(name__startswith=name).order_by("at", "id"),
        lambda row: FactChangeRow(row.name, row.before, row.after, row.at),
    )


def events(host_id: int, start_ns: int, end_ns: int) -> list[EventRow]:
    """In the half-open range, oldest first."""
    return events_of(host_id, start_ns, end_ns)[:]


def events_of(host_id: int, start_ns: int, end_ns: int, kind: str = "") -> Listed[HostEvent, EventRow]:
    """The same to be read in parts; of all kinds or of one."""
    rows = HostEvent.objects.filter(host_id=host_id, at__gte=_at(start_ns), at__lt=_at(end_ns))
    chosen = rows.filter(kind=kind) if kind else rows
    return Listed(chosen.order_by("at", "id"), lambda row: EventRow(row.kind, row.at, row.fields))


def _at(ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ns // NS_PER_MS)
