"""How much is stored, by class and day, and what was dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from django.db import connection

from diagnose.models import DroppedDay
from diagnose.store import days, engine
from diagnose.store.classes import CLASSES
from diagnose.store.engine.sqlite import SQLITE

ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True)
class Dropped:
    """One class of one day that is gone; `reason` in words."""

    title: str
    day: date
    bytes: int
    reason: str
    forced: bool
    at: datetime


def bytes_by_day() -> dict[str, Mapping[date, int]]:
    """By class and day (UTC)."""
    return {
        each.kind: {date.fromisoformat(day): size for day, size in days.sizes_bytes(each.kind).items()}
        for each in CLASSES
    }


def engine_name() -> str:
    """What keeps it all."""
    return ENGINES[connection.vendor]


def is_on_this_disk() -> bool:
    """Whether telemetry takes room on the file system of DATA_DIR; a server's own disk cannot be seen from here."""
    return engine.chosen() is SQLITE


def database_bytes() -> int:
    """Of everything relational: hosts, findings, and the names behind profiles and series."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c "
                "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'"
            )
            return int(cursor.fetchone()[0])
    main = Path(str(connection.settings_dict["NAME"]))
    return sum(part.stat().st_size for part in (main, main.with_name(main.name + "-wal")) if part.exists())


def dropped(most: int) -> list[Dropped]:
    """Newest first."""
    titles = {str(each.kind): each.title for each in CLASSES}
    return [
        Dropped(
            titles.get(row.kind, row.kind),
            row.day,
            row.bytes,
            row.get_reason_display(),
            row.reason != DroppedDay.Reason.AGE,
            row.at,
        )
        for row in DroppedDay.objects.all()[:most]
    ]
