"""The Hosts page: every host, how it is now, and where to look first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.gzip import gzip_page

from diagnose.access.pages import PageRequest, page
from diagnose.findings import query
from diagnose.reports.host_list import HostStatus, State, statuses, without_readings
from diagnose.store import hosts as store
from diagnose.templatetags.quantities import duration, percent, size
from diagnose.web.ordering import Column, ordered

STATES: tuple[tuple[State, Promise], ...] = (
    ("live", _("Live")),
    ("late", _("Late")),
    ("silent", _("Silent")),
    ("never", _("Nothing yet")),
)
COLUMNS: tuple[Column[HostStatus], ...] = (
    Column("name", _("Host"), lambda row: row.name.casefold()),
    Column("findings", _("Findings"), lambda row: row.open_findings, True, _("Open root causes")),
    Column("cpu", _("CPU"), lambda row: row.cpu_ratio, True, _("Share of all CPUs at work, last minute")),
    Column("cpus", _("CPUs"), lambda row: row.cpus, True),
    Column("memory", _("Memory"), lambda row: row.memory_ratio, True, _("Total − available")),
    Column("installed", _("of"), lambda row: row.memory_bytes, True, _("Memory the host has")),
    Column("seen", _("Last seen"), lambda row: row.last_seen_at and row.last_seen_at.timestamp()),
    Column("lag", _("Lag"), lambda row: row.lag_seconds, True, _("Age of the newest reading the server has")),
    Column("agent", _("Collector"), lambda row: row.agent or None),
)
# Above it the page comes without readings, which follow; and the browser draws only those rows that are in sight.
MANY = 150
_DEFAULT_ORDER = "-findings"


@gzip_page
@page()
def hosts(request: PageRequest) -> HttpResponse:
    """Filter by `q` (part of the name) and `state`, order by `order`."""
    named, roots, now = store.all_named(), root_causes(), timezone.now()
    many = len(named) > MANY
    rows = without_readings(named, roots, now) if many else statuses(named, roots, now)
    name, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    shown = [row for row in rows if name.casefold() in row.name.casefold() and state in {"", row.state}]
    order = request.GET.get("order", "")
    shown, headings = ordered(shown, COLUMNS, order, _DEFAULT_ORDER)
    context = {
        "rows": shown[:MANY],
        "left_out": max(0, len(shown) - MANY),
        "any_host": bool(rows),
        "all_rows": {"rows": [cells(row) for row in rows], "address": reverse("hosts-rows")}
        if many
        else None,
        "model": HostStatus(0, "", "", "live", now, 0, 0.0, 0.0, 0.0, 1, 0.0),
        "headings": headings,
        "summary": summary(rows),
        "filter": name,
        "state": state,
        "states": STATES,
        "order": order,
    }
    return render(request, "hosts.html", context)


@gzip_page
@page()
def rows(_request: PageRequest) -> JsonResponse:
    """Every host with its readings, for the page of a large fleet; `cells` says what a row has."""
    found = statuses(store.all_named(), root_causes(), timezone.now())
    return JsonResponse({"rows": [cells(row) for row in found], "summary": summary(found)})


def cells(row: HostStatus) -> list[object]:
    """In the order of COLUMNS what to sort by, then id, state and the words of those that are shown otherwise."""
    return [
        row.name,
        row.open_findings,
        row.cpu_ratio,
        row.cpus,
        row.memory_ratio,
        row.memory_bytes,
        row.last_seen_at and row.last_seen_at.timestamp(),
        row.lag_seconds,
        row.agent.removeprefix("diagnose-collector/"),
        row.id,
        row.state,
        percent(row.cpu_ratio),
        percent(row.memory_ratio),
        size(row.memory_bytes),
        duration(row.lag_seconds),
    ]


def root_causes() -> Counter[int]:
    """Open findings that no other explains, by host id."""
    return query.open_roots_by_host()


def summary(rows: Sequence[HostStatus]) -> str:
    """Such as "12 hosts: 10 live, 2 silent"."""
    if not rows:
        return gettext("No host yet")
    states = Counter(row.state for row in rows)
    parts = ", ".join(f"{states[value]} {str(title).lower()}" for value, title in STATES if states[value])
    words = ngettext("%(n)s host: %(states)s", "%(n)s hosts: %(states)s", len(rows))
    return words % {"n": len(rows), "states": parts}
