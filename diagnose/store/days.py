"""The days of telemetry (UTC): each kind of data of a day lies in tables of its own, kept by the engine.

All raw data of a day begins together. So where rollups stand without it, it was dropped, and is not made anew: late
data must not replace a day's rollup by a part of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from diagnose.store import classes, engine
from diagnose.store.engine.protocol import Sql, Writing
from diagnose.store.rows import DAY_NS
from diagnose.store.schema import Kind


def day_of(ns: int) -> str:
    """The UTC day of a Unix time, as it is named everywhere."""
    return _name(ns // DAY_NS)


@lru_cache
def _name(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date().isoformat()


def start_of(day: str) -> int:
    """The first nanosecond of a day."""
    return (datetime.fromisoformat(day) - datetime(1970, 1, 1)).days * DAY_NS


def stored_days(kind: Kind) -> list[str]:
    """Oldest first."""
    return engine.chosen().days(kind)


def days_between(start_ns: int, end_ns: int, *kinds: Kind) -> Iterator[str]:
    """The days that a half-open range touches and of which any of the kinds is stored; oldest first."""
    first, last = day_of(start_ns), day_of(max(start_ns, end_ns - 1))
    for day in sorted({day for kind in kinds for day in stored_days(kind)}):
        if first <= day <= last:
            yield day


def oldest_kept(kind: Kind, now_ns: int) -> str:
    """Data before this day is past its retention."""
    return day_of(now_ns - classes.of(kind).kept_days * DAY_NS)


def takes(day: str, kind: Kind, now_ns: int) -> bool:
    """Whether raw data of this kind and day may still be written."""
    return day >= oldest_kept(kind, now_ns) and (holds(day, kind) or not holds(day, "rollup"))


def begin(day: str, kind: Kind) -> None:
    """Make the day for raw data of this kind, and for the others that it may still take."""
    if not holds(day, kind):
        now_ns = time.time_ns()
        for each in classes.RAW:
            if each.kind == kind or takes(day, each.kind, now_ns):
                ensure(day, each.kind)


def holds(day: str, kind: Kind) -> bool:
    return engine.chosen().holds(day, kind)


def ensure(day: str, kind: Kind) -> None:
    """Make the day when it is not there. It appears whole: several processes may make it at once."""
    engine.chosen().ensure(day, kind)


def drop(day: str, kind: Kind) -> None:
    engine.chosen().drop(day, kind)


def sizes_bytes(kind: Kind) -> dict[str, int]:
    """By day."""
    return engine.chosen().sizes_bytes(kind)


def tidy(day: str, kind: Kind) -> None:
    """After much was rewritten: free its room, as far as readers allow."""
    engine.chosen().tidy(day, kind)


def reading(day: str, kind: Kind) -> AbstractContextManager[Sql]:
    """One consistent view of a day's tables; fetch and leave. Raises DayGone."""
    return engine.chosen().reading(day, kind)


def writing(day: str, kind: Kind) -> AbstractContextManager[Writing]:
    """One transaction on a day's tables, durable when it is left without an error. Raises DayGone."""
    return engine.chosen().writing(day, kind)
