"""What is known of a host besides numbers: facts with their changes, and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from diagnose.models import Fact, FactChange, HostEvent
from diagnose.store.rows import NS_PER_MS


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


def facts(host_id: int) -> list[FactRow]:
    """Ordered by name."""
    rows = Fact.objects.filter(host_id=host_id).order_by("name")
    return [FactRow(row.name, row.value, row.since) for row in rows]


def changes(host_id: int, start_ns: int, end_ns: int) -> list[FactChangeRow]:
    """In the half-open range, oldest first."""
    rows = FactChange.objects.filter(host_id=host_id, at__gte=_at(start_ns), at__lt=_at(end_ns))
    return [FactChangeRow(row.name, row.before, row.after, row.at) for row in rows.order_by("at", "id")]


def events(host_id: int, start_ns: int, end_ns: int) -> list[EventRow]:
    """In the half-open range, oldest first."""
    rows = HostEvent.objects.filter(host_id=host_id, at__gte=_at(start_ns), at__lt=_at(end_ns))
    return [EventRow(row.kind, row.at, row.fields) for row in rows.order_by("at", "id")]


def _at(ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ns // NS_PER_MS)
