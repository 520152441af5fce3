"""The Host page: what one host did in a time range, with its findings over the charts."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.findings import describe, query
from diagnose.models import Finding, Host
from diagnose.models.access import Role
from diagnose.reports.charts.figure import Band, Window
from diagnose.reports.collector_state import own_use
from diagnose.reports.finding_groups import fold
from diagnose.reports.host_charts import CHARTS, figures
from diagnose.reports.host_list import state_of
from diagnose.reports.listener_table import listener_rows
from diagnose.reports.process_table import ProcessRow, process_rows
from diagnose.store import facts
from diagnose.store import hosts as store
from diagnose.templatetags.quantities import duration
from diagnose.web import timerange
from diagnose.web.ordering import Column, ordered
from diagnose.web.timerange import TimeRange

# A clock this far off puts readings visibly beside those of other hosts.
_SKEW_SECONDS = 2.0
_HEADLINE_FACTS = ("os.name", "kernel.release", "cpu.count")
COLUMNS: tuple[Column[ProcessRow], ...] = (
    Column("service", "Service", lambda row: row.service.casefold()),
    Column("pid", "PID", lambda row: row.pid, True),
    Column("runtime", "Runtime", lambda row: row.runtime or None),
    Column("cpu", "CPU", lambda row: row.cpus, True, "100 % is one CPU"),
    Column("memory", "Memory", lambda row: row.resident_bytes, True, "Resident set"),
    Column("threads", "Threads", lambda row: row.threads, True),
    Column("fds", "Files", lambda row: row.fds_ratio, True, "Open file descriptors against the soft limit"),
)


@page()
def host(request: PageRequest, host_id: int) -> HttpResponse:
    """All tables are of the end of the range, or of its whole where they say so."""
    shown = store.host(host_id)
    span = timerange.of_request(request)
    processes, headings = ordered(
        process_rows(host_id, span.end_ns), COLUMNS, request.GET.get("order", ""), "-cpu"
    )
    known = facts.facts(shown)
    context = {
        "host": shown,
        "state": state_of(shown.last_seen_at, timezone.now()),
        "headline_facts": headline_facts({fact.name: fact.value for fact in known}),
        "range": span,
        "presets": timerange.PRESETS,
        "keep": {"order": request.GET["order"]} if "order" in request.GET else {},
        "refresh_seconds": refresh_seconds(span),
        "groups": fold([describe.as_json(finding) for finding in findings_in(shown, span)]),
        "charts": [{"id": name, "title": chart.TITLE, "note": chart.NOTE} for name, chart in CHARTS.items()],
        "listeners": listener_rows(host_id, span.start_ns, span.end_ns),
        "processes": processes,
        "headings": headings,
        "may_act": at_least(request.actor.role, Role.OPERATOR),
        "facts": known,
        "changes": facts.changes(shown, span.start, span.end),
        "own": own_use(host_id, span.end_ns),
        "probes": store.probes(shown),
        "gaps": store.gaps(shown),
        "quarantined": store.quarantined(shown),
        **clock(shown),
    }
    return render(request, "host.html", context)


@page()
def charts(request: PageRequest, host_id: int) -> JsonResponse:
    """The figures of the page's charts, by chart id; null where nothing was measured."""
    shown = store.host(host_id)
    span = timerange.of_request(request)
    bands = [band_of(finding) for finding in findings_in(shown, span) if finding.explained_by_id is None]
    window = Window(span.start_ns, span.end_ns)
    return JsonResponse({"charts": figures(host_id, window, bands)})


def findings_in(host: Host, span: TimeRange) -> list[Finding]:
    """Whatever held in the range, still or no more; muted ones are left out."""
    found = query.list_findings("all", host=host, since=span.start, until=span.end)
    return [finding for finding in found if finding.state != Finding.State.MUTED]


def band_of(finding: Finding) -> Band:
    ends = finding.closed_at or finding.last_seen_at
    return Band(
        int(finding.opened_at.timestamp() * 1e9), int(ends.timestamp() * 1e9), finding.rule.split(".")[-1]
    )


def headline_facts(known: dict[str, str]) -> list[str]:
    """Operating system, kernel and CPUs, as far as they are known."""
    words = {"cpu.count": "{} CPUs", "kernel.release": "Linux {}"}
    return [words.get(name, "{}").format(known[name]) for name in _HEADLINE_FACTS if known.get(name)]


def refresh_seconds(span: TimeRange) -> int:
    """A pixel of the last day does not change every five seconds."""
    return 5 if span.seconds <= 3600 else 15 if span.seconds <= 6 * 3600 else 60


def clock(host: Host) -> dict[str, object]:
    """The host's clock in words."""
    skew = host.clock_skew_seconds
    if skew is None:
        return {"skew": "–", "skewed": False}
    words = f"{duration(abs(skew))} {'ahead' if skew > 0 else 'behind'}"
    return {"skew": words if abs(skew) >= 0.05 else "in step", "skewed": abs(skew) >= _SKEW_SECONDS}
