"""What is stored, how it grows and when it is too much; what could not be stored and what was dropped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import redis
from django.conf import settings

from diagnose import queue
from diagnose.reports.forecast import Forecast, History, Rate, forecast, rate_of
from diagnose.store import disk, hosts, usage
from diagnose.store.classes import CLASSES, DataClass
from diagnose.store.disk import Room
from diagnose.store.usage import Dropped

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class of data; `rate` is its growth per day, `oldest` the first day (UTC) it has."""

    what: DataClass
    bytes: int
    oldest: date | None
    rate: Rate | None


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day (UTC); bytes in the order of the classes, None where there is nothing (or nothing any more)."""

    day: date
    bytes: tuple[int | None, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Queue:
    """Batches on their way from the collectors into the store."""

    waiting: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Storage:
    """All of the Storage page; `queue` is None when it does not answer, `forecast` when it is too early for one."""

    telemetry_bytes: int
    budget_bytes: int
    database_bytes: int
    engine: str
    room: Room
    classes: tuple[ClassRow, ...]
    days: tuple[DayRow, ...]
    forecast: Forecast | None
    queue: Queue | None
    quarantined: int
    lost: int
    dropped: tuple[Dropped, ...]


def storage(now: datetime, most_dropped: int = 20) -> Storage:
    """Of this moment."""
    today, stored = now.date(), usage.bytes_by_day()
    rows = hosts.hosts()
    day_share = _day_share(now, min((row.enrolled_at for row in rows), default=now))
    room, budget = disk.room(), int(settings.CONFIG["DISK_BUDGET"])
    histories = [_history(stored.get(each.kind, {}), each, today) for each in CLASSES]
    return Storage(
        telemetry_bytes=sum(sum(days.values()) for days in stored.values()),
        budget_bytes=budget,
        database_bytes=usage.database_bytes(),
        engine=usage.engine_name(),
        room=room,
        classes=tuple(
            _class_row(each, stored.get(each.kind, {}), history, day_share)
            for each, history in zip(CLASSES, histories, strict=True)
        ),
        days=_days(stored),
        forecast=forecast(histories, day_share, budget, _writable_bytes(room)),
        queue=_queue(),
        quarantined=sum(row.quarantined_batches for row in rows),
        lost=sum(row.lost_batches for row in rows),
        dropped=tuple(usage.dropped(most_dropped)),
    )


def _day_share(now: datetime, first_host_at: datetime) -> float:
    """How much of a day today's data is of: there was none before the first host came."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (now - max(midnight, first_host_at)) / _DAY


def _writable_bytes(room: Room) -> float:
    return max(0, room.free_bytes - room.reserved_bytes) if usage.is_on_this_disk() else math.inf


def _history(days: Mapping[date, int], what: DataClass, today: date) -> History:
    return History({max(0, (today - day) // _DAY): size for day, size in days.items()}, what.kept_days)


def _class_row(what: DataClass, days: Mapping[date, int], history: History, day_share: float) -> ClassRow:
    return ClassRow(what, sum(days.values()), min(days, default=None), rate_of(history, day_share))


def _days(stored: Mapping[str, Mapping[date, int]]) -> tuple[DayRow, ...]:
    """Newest first."""
    every = sorted({day for days in stored.values() for day in days}, reverse=True)
    rows: list[DayRow] = []
    for day in every:
        sizes: Sequence[int | None] = [stored.get(each.kind, {}).get(day) for each in CLASSES]
        rows.append(DayRow(day, tuple(sizes), sum(size or 0 for size in sizes)))
    return tuple(rows)


def _queue() -> Queue | None:
    client = queue.client()
    try:
        return Queue(int(client.zcard(queue.WAITING)), int(client.info("memory")["used_memory"]))
    except redis.RedisError:
        return None
