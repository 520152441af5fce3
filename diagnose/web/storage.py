"""The Storage page: what is kept, for how long, and when the room for it ends."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from diagnose.access.pages import PageRequest, page
from diagnose.reports import storage_words as words
from diagnose.reports.charts import stored_bytes
from diagnose.reports.storage import DayRow, Storage
from diagnose.reports.storage import storage as report
from diagnose.store import disk

_MOST_DAYS = 31


def warning(_request: HttpRequest) -> dict[str, bool]:
    """For every page: what is not stored is not judged, so a quiet page means nothing."""
    return {"disk_is_full": disk.room().is_full}


@page()
def storage(request: PageRequest) -> HttpResponse:
    found = report(timezone.now())
    context = {
        "storage": found,
        "headline": words.headline(found),
        "consequence": words.consequence(found),
        "state": state(found),
        "classes": [{"row": row, "rate": words.spread(row.rate)} for row in found.classes],
        "growth": words.certainty(found.forecast.rate if found.forecast else None),
        "not_stored": found.quarantined + found.lost,
        "gone_early": words.gone_early(found.dropped),
        "days": found.days[:_MOST_DAYS],
        "more_days": max(0, len(found.days) - _MOST_DAYS),
        "chart": stored_bytes,
    }
    return render(request, "storage.html", context)


@page()
def chart(_request: PageRequest) -> JsonResponse:
    """The figure of the page."""
    found = report(timezone.now())
    days: list[DayRow] = list(reversed(found.days))
    by_class = {
        row.what.title: [day.bytes[place] or 0 for day in days] for place, row in enumerate(found.classes)
    }
    return JsonResponse({"charts": {"stored": stored_bytes.figure([day.day for day in days], by_class)}})


def state(found: Storage) -> str:
    """Which lamp stands before the headline."""
    if found.room.is_full:
        return "critical"
    full = found.forecast.full if found.forecast else None
    if found.room.is_short or (full is not None and full.limit == "disk"):
        return "warning"
    return "good" if found.telemetry_bytes else ""
