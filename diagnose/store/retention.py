"""What is kept how long: whole days are unlinked, raw data first, rollups last, today's never."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta

from django.conf import settings

from diagnose.models import FactChange, Finding, HostEvent, IngestGap, QuarantinedBatch
from diagnose.store import days
from diagnose.store.rows import DAY_NS
from diagnose.store.sql import rollup

log = logging.getLogger(__name__)


def retain(now_ns: int | None = None) -> None:
    """Drop what is past RETENTION_RAW_DAYS, RETENTION_ROLLUP_DAYS or over DISK_BUDGET."""
    now = time.time_ns() if now_ns is None else now_ns
    _drop_expired(now)
    _fit_budget(now)
    _delete_history(now)


def _drop_expired(now_ns: int) -> None:
    first_rollup = days.day_of(now_ns - settings.CONFIG["RETENTION_ROLLUP_DAYS"] * DAY_NS)
    for day in days.stored_days("raw"):
        if day < days.oldest_kept(now_ns):
            _drop_raw(day)
    for day in days.stored_days("rollup"):
        if day < first_rollup:
            days.drop(day, "rollup")


def _drop_raw(day: str) -> None:
    """A day's rollups are settled before what they are computed from goes."""
    rollup.roll_up_day(day, days.start_of(day) + 2 * DAY_NS)
    days.ensure(day, "rollup")
    days.drop(day, "raw")


def _fit_budget(now_ns: int) -> None:
    """Oldest raw days first, then oldest rollups, until telemetry fits; today stays, however large."""
    budget, today = settings.CONFIG["DISK_BUDGET"], days.day_of(now_ns)
    for day in days.stored_days("raw"):
        if _total_bytes() > budget and day < today:
            log.warning("telemetry is over DISK_BUDGET: raw data of %s goes", day)
            _drop_raw(day)
    for day in days.stored_days("rollup"):
        if _total_bytes() > budget and day < today:
            log.warning("telemetry is over DISK_BUDGET: rollups of %s go", day)
            days.drop(day, "rollup")


def _total_bytes() -> int:
    return sum(days.size_bytes(day, "raw") for day in days.stored_days("raw")) + sum(
        days.size_bytes(day, "rollup") for day in days.stored_days("rollup")
    )


def _delete_history(now_ns: int) -> None:
    oldest = datetime.fromtimestamp(now_ns / 1e9, UTC) - timedelta(
        days=settings.CONFIG["RETENTION_ROLLUP_DAYS"]
    )
    FactChange.objects.filter(at__lt=oldest).delete()
    HostEvent.objects.filter(at__lt=oldest).delete()
    IngestGap.objects.filter(declared_at__lt=oldest).delete()
    QuarantinedBatch.objects.filter(received_at__lt=oldest).delete()
    Finding.objects.filter(closed_at__lt=oldest).delete()
