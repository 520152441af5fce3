"""The Service page: what one service does on all of its hosts, what it waits for, and what its code spends CPU on."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.gzip import gzip_page

from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.changes import query as changes
from diagnose.findings import describe, query
from diagnose.models import Finding
from diagnose.models.access import Role
from diagnose.reports import dependencies, hot_functions, service_charts, service_hosts, service_list, triage
from diagnose.reports.charts.figure import Window
from diagnose.reports.finding_groups import fold
from diagnose.reports.readings import Readings
from diagnose.reports.service_list import ServiceRow
from diagnose.store import hosts, profiles
from diagnose.web import marks, timerange
from diagnose.web.host import refresh_seconds
from diagnose.web.host_panels import ChartPanel
from diagnose.web.timerange import TimeRange

_METRICS = (*service_hosts.METRICS, *service_charts.METRICS, *dependencies.METRICS)
# Of what a function takes, in the order in which a profile of a service is looked for.
_MOST_MARKS = 300
_KINDS = ("cpu", "wall")


@page()
def service(request: PageRequest) -> HttpResponse:
    """`name` is the service's. One that was not measured in the range has a page that says so."""
    name, span = request.GET.get("name", ""), timerange.of_request(request)
    every = Readings.of_hosts((), _METRICS)
    known = every.where(service=name)
    found = findings_of(name, span)
    on_hosts = service_hosts.hosts_of(name, known, hosts.names(), span.start_ns, span.end_ns)
    times = service_hosts.whole(name, on_hosts)
    rows = service_list.service_rows(known, {}, span.start_ns, span.end_ns)
    row = next((row for row in rows if row.service == name), ServiceRow(name))
    kind = profiled_as(name, span)
    cost = row.cpu_seconds_per_request
    groups = fold([describe.as_json(finding) for finding in found])
    context = {
        "name": name,
        "range": span,
        "keep": {"name": name},
        "refresh_seconds": refresh_seconds(span),
        "row": row,
        "groups": [group for group in groups if group.root["state"] == Finding.State.OPEN],
        "past": [group.root for group in groups if group.root["state"] != Finding.State.OPEN],
        "bars": triage.bars([times] if times else []),
        "states": triage.WORDS.items(),
        "hosts": on_hosts,
        "spent": hot_functions.spent(name, kind, span.start_ns, span.end_ns, cost) if kind else None,
        "kind": kind,
        "map": dependencies.map_of(dependencies.calls(every, span.start_ns, span.end_ns), name),
        "chart_groups": panels(name, known, span),
        "may_act": at_least(request.actor.role, Role.OPERATOR),
    }
    return render(request, "service.html", context)


@gzip_page
@page()
def charts(request: PageRequest) -> JsonResponse:
    """The figures of the page's charts, by chart id; null where nothing was measured. `group` narrows to one."""
    name, span = request.GET.get("name", ""), timerange.of_request(request)
    _title, names = service_charts.GROUPS.get(
        request.GET.get("group", ""), ("", tuple(service_charts.TITLES))
    )
    window = Window(span.start_ns, span.end_ns)
    bands = marks.bands_of(findings_of(name, span))
    changed = changes.list_changes(service=name, since=span.start, until=span.end).exclude(service="")
    marked = marks.marks_of(changed[:_MOST_MARKS])
    return JsonResponse({"charts": service_charts.figures(name, window, bands, marked, names)})


def findings_of(name: str, span: TimeRange) -> list[Finding]:
    """Whatever held of the service in the range on any host; muted ones are left out."""
    found = query.list_findings("all", service=name, since=span.start, until=span.end)
    return list(found.exclude(state=Finding.State.MUTED))


def profiled_as(name: str, span: TimeRange) -> str:
    """The type of profile that tells of functions; '' when there is none in the range."""
    stored = {one.type for one in profiles.services((), span.start_ns, span.end_ns) if one.service == name}
    return next((kind for kind in _KINDS if kind in stored), "")


def panels(name: str, known: Readings, span: TimeRange) -> list[dict[str, object]]:
    """Of what is measured of this service."""
    return [
        {
            "id": group,
            "title": gettext(title),
            "address": f"{reverse('service-charts')}?{urlencode({'name': name, 'group': group})}&{span.query}",
            "panels": [
                ChartPanel(
                    one,
                    gettext(service_charts.TITLES[one][0]),
                    gettext(service_charts.TITLES[one][1]),
                    (),
                    None,
                )
                for one in names
            ],
        }
        for group, (title, names) in service_charts.groups_with(known).items()
    ]
