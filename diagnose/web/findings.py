"""The Findings page: root causes first, their symptoms folded under them."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from diagnose.access.pages import PageRequest, page
from diagnose.findings import describe, query
from diagnose.reports.finding_groups import fold
from diagnose.store import hosts as store

STATES = (("open", "Open"), ("resolved", "Resolved"), ("muted", "Muted"), ("all", "All"))
_MOST = 100


@page()
def findings(request: PageRequest) -> HttpResponse:
    """Filter by `state`, `host` (its name) and `service`."""
    state = request.GET.get("state", "open")
    state = state if state in dict(STATES) else "open"
    host, service = request.GET.get("host", ""), request.GET.get("service", "")
    described = [describe.as_json(finding) for finding in query.list_findings(state)]
    shown = [one for one in described if fits(one["subject"], host, service)]
    groups = fold(shown)
    context = {
        "groups": groups[:_MOST],
        "left_out": max(0, len(groups) - _MOST),
        "folded": len(shown) - len(groups),
        "state": state,
        "states": STATES,
        "host": host,
        "service": service,
        "hosts": store.hosts(),
        "services": sorted({one["subject"].get("service") or "" for one in described} - {""}),
        "filtered": bool(host or service),
    }
    return render(request, "findings.html", context)


def fits(subject: dict[str, object], host: str, service: str) -> bool:
    return host in {"", subject["host"]} and service in {"", subject.get("service")}
