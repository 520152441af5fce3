"""The days of telemetry (UTC): each day's raw data and its rollups lie in tables of their own, kept by the engine.

A raw day that was dropped is not made anew as long as its rollups stand, so late data cannot replace a day's rollup
by a part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from django.conf import settings

from diagnose.store import engine
from diagnose.store.engine.protocol import Sql, Writing
from diagnose.store.rows import DAY_NS
from diagnose.store.schema import Kind


def day_of(ns: int) -> str:
    """The UTC day of a Unix time, as it is named everywhere."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=ns // DAY_NS)).date().isoformat()


def start_of(day: str) -> int:
    """The first nanosecond of a day."""
    return (datetime.fromisoformat(day) - datetime(1970, 1, 1)).days * DAY_NS


def stored_days(kind: Kind) -> list[str]:
    """Oldest first."""
    return engine.chosen().days(kind)


def days_between(start_ns: int, end_ns: int) -> Iterator[str]:
    """The stored days, raw or rolled up, that a half-open range touches; oldest first."""
    first, last = day_of(start_ns), day_of(max(start_ns, end_ns - 1))
    for day in sorted({*stored_days("raw"), *stored_days("rollup")}):
        if first <= day <= last:
            yield day


def oldest_kept(now_ns: int) -> str:
    """Raw data before this day is past its retention."""
    return day_of(now_ns - settings.CONFIG["RETENTION_RAW_DAYS"] * DAY_NS)


def takes(day: str, now_ns: int) -> bool:
    """Whether raw data of this day may still be written."""
    return day >= oldest_kept(now_ns) and (not holds(day, "rollup") or holds(day, "raw"))


def holds(day: str, kind: Kind) -> bool:
    return engine.chosen().holds(day, kind)


def ensure(day: str, kind: Kind) -> None:
    """Make the day when it is not there. It appears whole: several processes may make it at once."""
    engine.chosen().ensure(day, kind)


def drop(day: str, kind: Kind) -> None:
    engine.chosen().drop(day, kind)


def size_bytes(day: str, kind: Kind) -> int:
    return engine.chosen().size_bytes(day, kind)


def tidy(day: str, kind: Kind) -> None:
    """After much was rewritten: free its room, as far as readers allow."""
    engine.chosen().tidy(day, kind)


def reading(day: str, kind: Kind) -> AbstractContextManager[Sql]:
    """One consistent view of a day's tables; fetch and leave. Raises DayGone."""
    return engine.chosen().reading(day, kind)


def writing(day: str, kind: Kind) -> AbstractContextManager[Writing]:
    """One transaction on a day's tables, durable when it is left without an error. Raises DayGone."""
    return engine.chosen().writing(day, kind)
