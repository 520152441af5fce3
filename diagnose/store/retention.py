"""What is kept how long: days go as a whole, raw data first, rollups last, today's never. What went is written down."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from django.conf import settings

from diagnose.models import (
    Capture,
    Change,
    DroppedDay,
    FactChange,
    Finding,
    HostEvent,
    IngestGap,
    QuarantinedBatch,
)
from diagnose.store import backend, days, disk, serieskeys, usage
from diagnose.store.blob import CorruptBlob
from diagnose.store.classes import CLASSES
from diagnose.store.rows import DAY_NS
from diagnose.store.schema import Kind
from diagnose.store.sql import rollup, sealing

log = logging.getLogger(__name__)


def retain(now_ns: int | None = None) -> None:
    """Drop what is past its retention, over DISK_BUDGET, or in the way when the disk is nearly full."""
    now = time.time_ns() if now_ns is None else now_ns
    before = days.stored_days("rollup")
    _drop_expired(now)
    _fit_budget(days.day_of(now))
    _make_room(days.day_of(now))
    _delete_history(datetime.fromtimestamp(now / 1e9, UTC))
    if days.stored_days("rollup") != before:
        _forget_series(datetime.fromtimestamp(now / 1e9, UTC))


def _drop_expired(now_ns: int) -> None:
    for each in CLASSES:
        for day in days.stored_days(each.kind):
            if day < days.oldest_kept(each.kind, now_ns):
                _drop(day, each.kind, DroppedDay.Reason.AGE)


def _fit_budget(today: str) -> None:
    budget = settings.CONFIG["DISK_BUDGET"]
    for _, day, kind in _in_order(today):
        if _total_bytes() <= budget:
            return
        _drop(day, kind, DroppedDay.Reason.BUDGET)


def _make_room(today: str) -> None:
    """One day of raw data at a time: whoever reads it still holds its space, so what it helped shows later."""
    oldest = next(((rank, day) for rank, day, _ in _in_order(today)), None)
    if oldest is None or oldest[0] > 0 or not usage.is_on_this_disk() or not disk.room().is_short:
        return
    for rank, day, kind in _in_order(today):
        if (rank, day) == oldest:
            _drop(day, kind, DroppedDay.Reason.DISK)


def _in_order(today: str) -> Iterator[tuple[int, str, Kind]]:
    """(rank, day, kind) of what may go, first what goes first."""
    found = [
        (each.rank, day, place, each.kind)
        for place, each in enumerate(CLASSES)
        for day in days.stored_days(each.kind)
        if day < today
    ]
    for rank, day, _, kind in sorted(found):
        yield rank, day, kind


def _drop(day: str, kind: Kind, reason: DroppedDay.Reason) -> None:
    """Rollups are settled before what they are computed from goes."""
    settled_ns = days.start_of(day) + 2 * DAY_NS
    if kind == "profiles":
        rollup.roll_up_day(day, settled_ns)
    if kind == "points":
        sealing.seal_day(day, settled_ns)
    if kind in {"profiles", "points"}:
        days.ensure(day, "rollup")  # says that this day's raw data is over
    size = days.sizes_bytes(kind).get(day, 0)
    days.drop(day, kind)
    DroppedDay.objects.create(kind=kind, day=date.fromisoformat(day), bytes=size, reason=reason)
    if reason != DroppedDay.Reason.AGE:
        log.warning("%s of %s (%.0f MB) dropped %s", kind, day, size / 1e6, reason.label)


def _forget_series(now: datetime) -> None:
    """Those of processes and peers that are long gone: with the last day that holds them, nobody can ask for them."""
    try:
        in_use = backend.metric_store().series_in_use()
    except CorruptBlob as error:
        log.error("no series is forgotten as long as a stored list of them is corrupt: %s", error)
        return
    forgotten = serieskeys.forget_unused(in_use, now)
    if forgotten:
        log.info("%d series that no stored day holds are forgotten", forgotten)


def _total_bytes() -> int:
    return sum(sum(days.sizes_bytes(each.kind).values()) for each in CLASSES)


def _delete_history(now: datetime) -> None:
    oldest = now - timedelta(days=settings.CONFIG["RETENTION_HISTORY_DAYS"])
    FactChange.objects.filter(at__lt=oldest).delete()
    Change.objects.filter(at__lt=oldest).delete()
    HostEvent.objects.filter(at__lt=oldest).delete()
    IngestGap.objects.filter(declared_at__lt=oldest).delete()
    QuarantinedBatch.objects.filter(received_at__lt=oldest).delete()
    DroppedDay.objects.filter(at__lt=oldest).delete()
    Finding.objects.filter(closed_at__lt=oldest).delete()
    profile_gone = now - timedelta(days=settings.CONFIG["RETENTION_CAPTURE_DAYS"] + 1)
    Capture.objects.filter(ended_at__lt=profile_gone).delete()
