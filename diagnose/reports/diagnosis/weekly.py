"""The fleet's report of each week, made by itself on Monday (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction

from diagnose.models import Host, Report
from diagnose.reports.diagnosis import kept
from diagnose.reports.diagnosis.document import Scope, Span

_WEEK = timedelta(days=7)


def last_week(now: datetime) -> Span:
    """From Monday to Monday, 00:00 UTC."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = today - timedelta(days=today.weekday())
    return Span(end - _WEEK, end)


def make_due(now: datetime) -> Report | None:
    """Last week's report, unless it was made, or no host was there."""
    span = last_week(now)
    if Report.objects.filter(weekly=True, window_from=span.start).exists():
        return None
    if not Host.objects.filter(enrolled_at__lt=span.end).exists():
        return None
    try:
        with transaction.atomic():
            return kept.make(Scope("fleet"), span, "the weekly schedule", weekly=True)
    except IntegrityError:  # another worker was faster
        return None
