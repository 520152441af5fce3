"""The Host page: what one host did in a time range, with its findings over the charts."""

from __future__ import annotations

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.findings import describe, query
from diagnose.models import Finding
from diagnose.models.access import Role
from diagnose.reports import triage
from diagnose.reports.charts.figure import Band, Window
from diagnose.reports.collector_state import own_use
from diagnose.reports.collectors import probe_lines
from diagnose.reports.finding_groups import fold
from diagnose.reports.host_charts import CHARTS, figures
from diagnose.reports.host_list import state_of
from diagnose.reports.listener_table import listener_rows
from diagnose.reports.process_table import ProcessRow, process_rows
from diagnose.store import facts
from diagnose.store import hosts as store
from diagnose.store.hosts import HostRow
from diagnose.templatetags.quantities import skew
from diagnose.web import timerange
from diagnose.web.ordering import Column, ordered
from diagnose.web.timerange import TimeRange

# A clock this far off puts readings visibly beside those of other hosts.
_SKEW_SECONDS = 2.0
_MOST_NOTICES = 5
_MOST_PROCESSES = 25
_MOST_SERVICES = 8
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
    shown = host_of(host_id)
    span = timerange.of_request(request)
    processes, headings = ordered(
        process_rows(host_id, span.end_ns), COLUMNS, request.GET.get("order", ""), "-cpu"
    )
    known = facts.facts(host_id)
    groups = fold([describe.as_json(finding) for finding in findings_in(host_id, span)])
    context = {
        "host": shown,
        "state": state_of(shown.last_seen_at, timezone.now()),
        "headline_facts": headline_facts({fact.name: fact.value for fact in known}),
        "range": span,
        "presets": timerange.PRESETS,
        "keep": {name: request.GET[name] for name in ("order", "all") if name in request.GET},
        "refresh_seconds": refresh_seconds(span),
        "groups": [group for group in groups if group.root["state"] == Finding.State.OPEN],
        "past": [group.root for group in groups if group.root["state"] != Finding.State.OPEN],
        "charts": [{"id": name, "title": chart.TITLE, "note": chart.NOTE} for name, chart in CHARTS.items()],
        "bars": triage.bars(triage.of_host(host_id, span.start_ns, span.end_ns)[:_MOST_SERVICES]),
        "states": triage.WORDS.items(),
        "listeners": listener_rows(host_id, span.start_ns, span.end_ns),
        "processes": processes if "all" in request.GET else processes[:_MOST_PROCESSES],
        "more_processes": 0 if "all" in request.GET else max(0, len(processes) - _MOST_PROCESSES),
        "headings": headings,
        "may_act": at_least(request.actor.role, Role.OPERATOR),
        "facts": known,
        "changes": facts.changes(host_id, span.start_ns, span.end_ns),
        "own": own_use(host_id, span.end_ns),
        "probes": probe_lines(host_id),
        "gaps": store.gaps(host_id)[:_MOST_NOTICES],
        "quarantined": store.quarantined(host_id)[:_MOST_NOTICES],
        **clock(shown),
    }
    return render(request, "host.html", context)


@page()
def charts(request: PageRequest, host_id: int) -> JsonResponse:
    """The figures of the page's charts, by chart id; null where nothing was measured."""
    host_of(host_id)
    span = timerange.of_request(request)
    roots = [finding for finding in findings_in(host_id, span) if finding.explained_by_id is None]
    bands = [band_of(finding) for finding in roots]
    window = Window(span.start_ns, span.end_ns)
    return JsonResponse({"charts": figures(host_id, window, bands)})


def host_of(host_id: int) -> HostRow:
    found = store.host(host_id)
    if found is None:
        raise Http404(f"There is no host {host_id}.")
    return found


def findings_in(host_id: int, span: TimeRange) -> list[Finding]:
    """Whatever held in the range, still or no more; muted ones are left out."""
    found = query.list_findings("all", since=span.start, until=span.end)
    return list(found.filter(host_id=host_id).exclude(state=Finding.State.MUTED))


def band_of(finding: Finding) -> Band:
    """From its opening, or its coming back, to when it was last seen, under the rank that its card on the page has."""
    start, end = (int(at.timestamp() * 1e9) for at in (finding.since, finding.last_seen_at))
    return Band(start, end, str(finding.rank or ""))


def headline_facts(known: dict[str, str]) -> list[str]:
    """Operating system, kernel and CPUs, as far as they are known."""
    words = {"cpu.count": "{} CPUs", "kernel.release": "Linux {}"}
    return [words.get(name, "{}").format(known[name]) for name in _HEADLINE_FACTS if known.get(name)]


def refresh_seconds(span: TimeRange) -> int:
    """A pixel of the last day does not change every five seconds."""
    return 5 if span.seconds <= 3600 else 15 if span.seconds <= 6 * 3600 else 60


def clock(host: HostRow) -> dict[str, object]:
    """The host's clock in words."""
    off = host.clock_skew_seconds
    return {"skew": skew(off), "skewed": off is not None and abs(off) >= _SKEW_SECONDS}
