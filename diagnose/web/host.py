"""The Host page: what one host did in a time range, with its findings over the charts."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.gzip import gzip_page

from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.changes import query as changes
from diagnose.correlate import resources
from diagnose.findings import describe, outlook, query, unchecked
from diagnose.models import Finding, ResourceForecast
from diagnose.models.access import Role
from diagnose.reports import cgroup_table, host_charts, listener_table, process_table, triage
from diagnose.reports.charts.figure import Window
from diagnose.reports.finding_groups import fold
from diagnose.reports.host_list import state_of
from diagnose.reports.process_table import ProcessRow
from diagnose.reports.readings import Readings
from diagnose.store import facts
from diagnose.store import hosts as store
from diagnose.store.hosts import NamedHost
from diagnose.templatetags.quantities import skew
from diagnose.web import host_panels, marks, timerange
from diagnose.web.ordering import Column, ordered
from diagnose.web.timerange import TimeRange

# A clock this far off puts readings visibly beside those of other hosts.
_SKEW_SECONDS = 2.0
_MOST_NOTICES = 3
_MOST_MARKS = 300
_MOST_CHANGES = 20
_MOST_PROCESSES = 25
_MOST_CGROUPS = 12
_MOST_SERVICES = 8
# Labels that tell whose a resource is.
_WHOSE = ("service", "pid", "mountpoint", "dst", "netns")
_HEADLINE_FACTS = ("os.name", "kernel.release", "cpu.count")
_METRICS = (
    *triage.METRICS,
    *listener_table.METRICS,
    *process_table.METRICS,
    *cgroup_table.METRICS,
    *host_panels.METRICS,
)
COLUMNS: tuple[Column[ProcessRow], ...] = (
    Column("service", _("Service"), lambda row: row.service.casefold()),
    Column("pid", _("PID"), lambda row: row.pid, True),
    Column("runtime", _("Runtime"), lambda row: row.runtime or None),
    Column("cpu", _("CPU"), lambda row: row.cpus, True, _("100 % is one CPU")),
    Column("memory", _("Memory"), lambda row: row.resident_bytes, True, _("Resident set")),
    Column("threads", _("Threads"), lambda row: row.threads, True),
    Column(
        "fds", _("Files"), lambda row: row.fds_ratio, True, _("Open file descriptors against the soft limit")
    ),
)


@page()
def host(request: PageRequest, host_id: int) -> HttpResponse:
    """All tables are of the end of the range, or of its whole where they say so."""
    shown = host_of(host_id)
    span = timerange.of_request(request)
    known = Readings.of_host(host_id, _METRICS)
    found = findings_in(host_id, span)
    groups = fold([describe.as_json(finding) for finding in found])
    told = facts.facts(host_id)
    changed = facts.changes(host_id, span.start_ns, span.end_ns)
    rows = triage.of_readings(host_id, known, span.start_ns, span.end_ns)
    context = {
        "host": shown,
        "state": state_of(shown.last_seen_at, timezone.now()),
        "headline_facts": headline_facts({fact.name: fact.value for fact in told}),
        "range": span,
        "refresh_seconds": refresh_seconds(span),
        "groups": [group for group in groups if group.root["state"] == Finding.State.OPEN],
        "past": [group.root for group in groups if group.root["state"] != Finding.State.OPEN],
        "chart_groups": host_panels.panels(host_id, found, span, request.GET.get("rtt", "")),
        "rtt_choices": host_panels.rtt_choices(known),
        "rtt": request.GET.get("rtt", ""),
        "bars": triage.bars(rows[:_MOST_SERVICES]),
        "states": triage.WORDS.items(),
        "lasting": lasting(outlook.of_host(host_id)),
        "evaluation": unchecked.of_host(host_id),
        "listeners": listener_table.listener_rows(known, span.start_ns, span.end_ns),
        "cgroups": cgroup_table.cgroup_rows(known, span.end_ns)[:_MOST_CGROUPS],
        "may_act": at_least(request.actor.role, Role.OPERATOR),
        "facts": told,
        "changes": changed,
        "shown_changes": changed[: -_MOST_CHANGES - 1 : -1],
        "events": facts.events(host_id, span.start_ns, span.end_ns),
        "gaps": store.gaps(host_id)[:_MOST_NOTICES],
        **processes(request, known, span),
        **clock(shown.clock_skew_seconds),
    }
    return render(request, "host.html", context)


@gzip_page
@page()
def charts(request: PageRequest, host_id: int) -> JsonResponse:
    """The figures of the page's charts, by chart id; null where nothing was measured. `group` narrows to one."""
    host_of(host_id)
    span = timerange.of_request(request)
    found = findings_in(host_id, span)
    changed = marks.marks_of(
        changes.list_changes(host_id=host_id, since=span.start, until=span.end)[:_MOST_MARKS],
        facts.events(host_id, span.start_ns, span.end_ns),
    )
    _title, names = host_charts.GROUPS.get(request.GET.get("group", ""), ("", tuple(host_charts.TITLES)))
    drawn = host_charts.figures(
        host_id,
        Window(span.start_ns, span.end_ns),
        marks.bands_of(found),
        changed,
        names,
        host_panels.rtt_labels(request.GET.get("rtt", "")),
    )
    return JsonResponse({"charts": drawn})


def processes(request: PageRequest, known: Readings, span: TimeRange) -> dict[str, object]:
    """The table of processes, ordered as asked, the first ones or all."""
    found = process_table.process_rows(known, span.end_ns)
    rows, headings = ordered(found, COLUMNS, request.GET.get("order", ""), "-cpu")
    shown = rows if "all" in request.GET else rows[:_MOST_PROCESSES]
    keep = {name: request.GET[name] for name in ("order", "all", "rtt") if name in request.GET}
    return {"processes": shown, "more_processes": len(rows) - len(shown), "headings": headings, "keep": keep}


def host_of(host_id: int) -> NamedHost:
    found = store.named(host_id)
    if found is None:
        raise Http404(
            gettext("There is no host %(id)s: it was deleted, or the address is mistyped.") % {"id": host_id}
        )
    return found


def findings_in(host_id: int, span: TimeRange) -> list[Finding]:
    """Whatever held in the range, still or no more; muted ones are left out."""
    found = query.list_findings("all", since=span.start, until=span.end)
    return list(found.filter(host_id=host_id).exclude(state=Finding.State.MUTED))


def headline_facts(known: dict[str, str]) -> list[str]:
    """Operating system, kernel and CPUs, as far as they are known."""
    shown = {name: known.get(name, "") for name in _HEADLINE_FACTS}
    cpus = shown["cpu.count"]
    words = [
        shown["os.name"],
        shown["kernel.release"] and f"Linux {shown['kernel.release']}",
        ngettext("%(n)s CPU", "%(n)s CPUs", int(cpus)) % {"n": cpus} if cpus.isdecimal() else "",
    ]
    return [word for word in words if word]


def lasting(rows: Sequence[ResourceForecast]) -> list[dict[str, object]]:
    """Each resource in words: whose it is, how full, how fast it fills, and how long it lasts."""
    return [
        {
            "key": f"{row.resource} {sorted(row.labels.items())}",
            "title": resources.BY_NAME[row.resource].title,
            "whose": " ".join(row.labels[name] for name in _WHOSE if row.labels.get(name)),
            "unit": resources.BY_NAME[row.resource].unit,
            "share": row.level / row.limit,
            "an_hour": row.per_second * 3600,
            "row": row,
        }
        for row in rows
        if row.resource in resources.BY_NAME
    ]


def refresh_seconds(span: TimeRange) -> int:
    """A pixel of the last day does not change every five seconds."""
    return 5 if span.seconds <= 3600 else 15 if span.seconds <= 6 * 3600 else 60


def clock(off: float | None) -> dict[str, object]:
    """How many seconds a host's clock is off, in words."""
    return {"skew": skew(off), "skewed": off is not None and abs(off) >= _SKEW_SECONDS}
