"""The Services page: every service of the fleet, and who calls whom."""

from __future__ import annotations

from collections import Counter

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from diagnose.access.pages import PageRequest, page
from diagnose.findings import query
from diagnose.reports import dependencies, service_list
from diagnose.reports.readings import Readings
from diagnose.reports.service_list import ServiceRow
from diagnose.web import timerange
from diagnose.web.ordering import Column, ordered

COLUMNS: tuple[Column[ServiceRow], ...] = (
    Column("name", _("Service"), lambda row: row.service.casefold()),
    Column("findings", _("Findings"), lambda row: row.findings, True, _("Open root causes")),
    Column("rate", _("Requests"), lambda row: row.rate, True, _("A second, over this time range")),
    Column("errors", _("Errors"), lambda row: row.errors, True, _("Share of answers with a 5xx status")),
    Column("p99", _("p99"), lambda row: row.p99_seconds, True, _("99 of 100 answers begin sooner")),
    Column("cpu", _("CPU"), lambda row: row.cpus, True, _("On all hosts; 100 % is one CPU")),
    Column("cost", _("CPU per request"), lambda row: row.cpu_seconds_per_request, True),
    Column("hosts", _("Hosts"), lambda row: len(row.hosts), True),
)
_MOST = 200


@page()
def services(request: PageRequest) -> HttpResponse:
    """Filter by `q` (part of the name), order by `order`."""
    span = timerange.of_request(request)
    known = Readings.of_hosts((), (*service_list.METRICS, *dependencies.METRICS))
    found = query.list_findings("open")
    roots = Counter(one.service for one in found if one.explained_by_id is None and one.service)
    every = service_list.service_rows(known, roots, span.start_ns, span.end_ns)
    name = request.GET.get("q", "").strip()
    rows = [row for row in every if name.casefold() in row.service.casefold()]
    if request.GET.get("order"):
        rows, headings = ordered(rows, COLUMNS, request.GET["order"], "name")
    else:
        _rows, headings = ordered(rows, COLUMNS, "", "-findings")
    context = {
        "range": span,
        "keep": {field: request.GET[field] for field in ("q", "order") if field in request.GET},
        "rows": rows[:_MOST],
        "left_out": max(0, len(rows) - _MOST),
        "any_service": bool(every),
        "headings": headings,
        "filter": name,
        "order": request.GET.get("order", ""),
        "map": dependencies.map_of(dependencies.calls(known, span.start_ns, span.end_ns)),
    }
    return render(request, "services.html", context)
