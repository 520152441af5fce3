"""The Finding page: what is wrong, what proves it, what to do; and what people did about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.correlate import catalogue
from diagnose.findings import describe, query
from diagnose.models import Finding
from diagnose.models.access import Role
from diagnose.reports.charts.figure import Band
from diagnose.reports.evidence_charts import around, charts_of, figures, key_of
from diagnose.web import finding_actions
from diagnose.web.timerange import TimeRange

_KINDS = (
    ("supports", "Supports it"),
    ("contradicts", "Speaks against it"),
    ("missing", "Missing: could not be gathered"),
)
_RENDERINGS = (
    ("shell", "Shell, until the next restart"),
    ("dry_run", "Dry run: reads what is there, changes nothing"),
    ("sysctl_d", "sysctl.d, for good"),
    ("systemd", "systemd drop-in, for good"),
    ("ansible", "Ansible"),
    ("kubernetes", "Kubernetes, or a Helm template"),
    ("text", "Plain text, for a ticket"),
)
# Of these kinds the shell's text is not a change that the service's next restart takes back.
_SHELL_BY_KIND = {
    "inspection": "Command",
    "application_setting": "What to set, and how to check it",
    "runtime_setting": "What to set",
    "workers": "What to set",
    "card_queues": "Shell, until the next boot",
    "ring_size": "Shell, until the next boot",
}
_MARGIN_SECONDS = 600
# A chain longer than this is a loop.
_LONGEST_CHAIN = 8


@page()
def finding(request: PageRequest, finding_id: str) -> HttpResponse:
    """Everything that is known about one finding."""
    record = query.get(finding_id)
    described = describe.as_json(record)
    charts = charts_of(described)
    span = span_query(record)
    may_act = at_least(request.actor.role, Role.OPERATOR)
    context = {
        "finding": with_blocks(described),
        "record": record,
        "host": record.host,
        "causes": causes_of(record),
        "symptoms": [each for each in record.explains.all() if each.closed_at is None or record.closed_at],
        "evidence": evidence_of(described),
        "charts": charts,
        "changed": any(each["relation"] == "during" for each in described["changes"]),
        "notes": record.notes.all(),
        "rule": catalogue.find(record.rule),
        "span_query": span,
        "profile_url": profile_url(described, record),
        "capture_url": capture_url(described, record),
        "may_act": may_act,
        "mute_choices": finding_actions.MUTE_CHOICES,
        "feedback_choices": finding_actions.FEEDBACK_CHOICES,
        **{kind: sum(line["kind"] == kind for line in described["evidence"]) for kind, _ in _KINDS},
    }
    return render(request, "finding.html", context)


@page()
def charts(_request: PageRequest, finding_id: str) -> JsonResponse:
    """The figures of the evidence, by chart id; null where the readings are no longer kept."""
    record = query.get(finding_id)
    window = around(record.window_from, record.window_to, timezone.now())
    judged = Band(int(record.window_from.timestamp() * 1e9), int(record.window_to.timestamp() * 1e9))
    found = charts_of(describe.as_json(record))
    return JsonResponse({"charts": figures(record.host_id, found, window, judged)})


@require_POST
@page(Role.OPERATOR)
def act(request: PageRequest, finding_id: str, action: str) -> HttpResponse:
    """One of the forms of the page; back to it afterwards, with what happened."""
    finding_actions.act(request, query.get(finding_id), action)
    return redirect("finding", finding_id)


def with_blocks(described: dict[str, Any]) -> dict[str, Any]:
    """The finding with each recommendation's renderings as titled blocks that can be copied."""
    recommendations = []
    for number, advice in enumerate(described["recommendations"], 1):
        titles = {**dict(_RENDERINGS), "shell": _SHELL_BY_KIND.get(advice["kind"], _RENDERINGS[0][1])}
        blocks = [
            {"id": f"advice-{number}-{name}", "title": title, "text": advice["renderings"][name]}
            for name, title in titles.items()
            if advice["renderings"].get(name)
        ]
        told = {"measured": _sentence(each["text"] for each in advice.get("inputs", ()))}
        told["mind"] = _sentence((advice["risk_text"], *advice.get("side_effects", ())))
        recommendations.append({**advice, **told, "blocks": blocks})
    return {**described, "recommendations": recommendations}


def _sentence(parts: Iterable[str]) -> str:
    return "; ".join(part for part in parts if part)


def evidence_of(described: dict[str, Any]) -> list[dict[str, Any]]:
    """Lines by kind, each with the chart of this page or the flame graph that shows it."""
    charts = {(chart.metric, *sorted(chart.labels.items())): chart.id for chart in charts_of(described)}
    groups = []
    for kind, title in _KINDS:
        lines = [
            {
                **line,
                "chart_id": charts.get(key_of(line)),
                "profile_url": line["chart"] if line["profile"] else "",
            }
            for line in described["evidence"]
            if line["kind"] == kind
        ]
        if lines:
            groups.append({"kind": kind, "title": title, "lines": lines})
    return groups


def causes_of(record: Finding) -> list[Finding]:
    """What explains it, the root cause first."""
    causes: list[Finding] = []
    at = record.explained_by
    while at is not None and len(causes) < _LONGEST_CHAIN and at not in causes:
        causes.insert(0, at)
        at = at.explained_by
    return causes


def span_query(record: Finding) -> str:
    """The time of the finding with a margin, for links to other pages."""
    start = int(record.opened_at.timestamp()) - _MARGIN_SECONDS
    end = int((record.closed_at or record.last_seen_at).timestamp()) + _MARGIN_SECONDS
    return TimeRange(start * 10**9, end * 10**9, str(start), str(end)).query


def profile_url(described: dict[str, Any], record: Finding) -> str:
    """The flame graph of the judged window: of the type that the evidence names, else CPU."""
    if not record.service:
        return ""
    types = [line["profile"] for line in described["evidence"] if line["profile"]]
    where = {
        "host": record.host_id,
        "service": record.service,
        "type": types[0] if types else "cpu",
        "from": int(record.window_from.timestamp()),
        "to": int(record.window_to.timestamp()) + 1,
    }
    return f"{reverse('profile')}?{urlencode(where)}"


def capture_url(described: dict[str, Any], record: Finding) -> str:
    """The form of an on-demand profile of the process or service, filled in."""
    pid = described["subject"].get("pid")
    if record.closed_at is not None or (pid is None and not record.service):
        return ""
    target = {"service": record.service, **({} if pid is None else {"pid": pid})}
    where = {"host": record.host_id, **target, "reason": record.headline[:200]}
    return f"{reverse('captures')}?{urlencode(where)}#new"
