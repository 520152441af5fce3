"""The Host page: what one host did in a time range, with its findings over the charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
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
from diagnose.reports.collectors import ProbeLine, probe_lines
from diagnose.reports.finding_groups import fold
from diagnose.reports.host_list import state_of
from diagnose.reports.process_table import ProcessRow
from diagnose.reports.readings import Readings
from diagnose.store import facts
from diagnose.store import hosts as store
from diagnose.store.hosts import NamedHost
from diagnose.templatetags.quantities import skew
from diagnose.web import marks, timerange
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
_MOST_CHOICES = 100
_RTT = host_charts.LATENCIES["rtt"].metrics
# Labels that tell whose a resource is.
_WHOSE = ("service", "pid", "mountpoint", "dst", "netns")
_HEADLINE_FACTS = ("os.name", "kernel.release", "cpu.count")
_METRICS = (
    *triage.METRICS,
    *listener_table.METRICS,
    *process_table.METRICS,
    *cgroup_table.METRICS,
    *_RTT,
)
# The probe whose readings a chart shows: what it lacks is why the chart is empty.
_PROBES = {
    "rtt": "tcp_rtt",
    "rtt-ports": "tcp_rtt",
    "accept-wait": "accept_wait",
    "connect": "tcp_lifecycle",
    "runqueue": "runqueue_wait",
    "disk-time": "block_io",
    "cgroups": "cgroups",
    "disks": "disks",
    "softnet": "softnet",
    "gil": "python",
}
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


@dataclass(frozen=True, slots=True)
class ChartPanel:
    """A chart's place on the page. `ranks` are of the findings that rest on it; `missing` is why it is empty."""

    id: str
    title: str
    note: str
    ranks: tuple[int, ...]
    missing: ProbeLine | None


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
        "chart_groups": panels(host_id, found, span, request.GET.get("rtt", "")),
        "rtt_choices": rtt_choices(known),
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
        rtt_labels(request.GET.get("rtt", "")),
    )
    return JsonResponse({"charts": drawn})


def processes(request: PageRequest, known: Readings, span: TimeRange) -> dict[str, object]:
    """The table of processes, ordered as asked, the first ones or all."""
    found = process_table.process_rows(known, span.end_ns)
    rows, headings = ordered(found, COLUMNS, request.GET.get("order", ""), "-cpu")
    shown = rows if "all" in request.GET else rows[:_MOST_PROCESSES]
    keep = {name: request.GET[name] for name in ("order", "all", "rtt") if name in request.GET}
    return {"processes": shown, "more_processes": len(rows) - len(shown), "headings": headings, "keep": keep}


def panels(host_id: int, findings: list[Finding], span: TimeRange, rtt: str) -> list[dict[str, object]]:
    """The groups of charts, each with its panels."""
    figures = reverse("host-charts", args=[host_id])
    probes = {line.row.probe: line for line in probe_lines(host_id)}
    about: dict[str, set[int]] = {}
    for finding in findings:
        for line in finding.detail["evidence"]:
            if finding.rank and line["metric"]:
                about.setdefault(line["metric"], set()).add(finding.rank)
    return [
        {
            "id": group,
            "title": gettext(title),
            "address": f"{figures}?{urlencode({'group': group, 'rtt': rtt})}&{span.query}",
            "panels": [
                ChartPanel(
                    name,
                    gettext(host_charts.TITLES[name][0]),
                    gettext(host_charts.TITLES[name][1]),
                    tuple(
                        sorted(
                            {
                                rank
                                for metric in host_charts.metrics_of(name)
                                for rank in about.get(metric, ())
                            }
                        )
                    ),
                    lacking(probes.get(_PROBES.get(name, ""))),
                )
                for name in names
            ],
        }
        for group, (title, names) in host_charts.GROUPS.items()
    ]


def lacking(line: ProbeLine | None) -> ProbeLine | None:
    return None if line is None or line.word == "works" else line


def rtt_choices(known: Readings) -> list[tuple[str, str]]:
    """What round-trip times can be narrowed to: local ports, then destinations."""
    ports = sorted(
        {ref.labels.get("port", "") for ref in known.of(_RTT[0])} - {""}, key=lambda port: (len(port), port)
    )
    destinations = sorted({ref.labels.get("dst", "") for ref in known.of(_RTT[1])} - {""})
    found = [(f"port:{port}", gettext("port %(port)s") % {"port": port}) for port in ports]
    return (found + [(f"dst:{dst}", gettext("to %(dst)s") % {"dst": dst}) for dst in destinations])[
        :_MOST_CHOICES
    ]


def rtt_labels(choice: str) -> dict[str, str]:
    """Of `port:8080` or `dst:10.0.0.7:5432`; anything else narrows nothing."""
    label, _colon, value = choice.partition(":")
    return {label: value} if label in {"port", "dst"} and value else {}


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
