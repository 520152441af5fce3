"""The first page: what is wrong now, worst root cause first, and how the hosts are."""

from __future__ import annotations

from collections import Counter

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from diagnose.access.pages import PageRequest, page
from diagnose.correlate import catalogue
from diagnose.findings import describe, query
from diagnose.reports.finding_groups import Group, fold
from diagnose.reports.host_list import HostStatus, statuses
from diagnose.store import hosts as store

_MOST_GROUPS = 20
_MOST_HOSTS = 24
_URGENCY = {"silent": 0, "late": 1, "never": 2, "live": 3}


@page()
def overview(request: PageRequest) -> HttpResponse:
    found = query.list_findings("open")
    groups = fold([describe.as_json(finding) for finding in found])
    roots = Counter(finding.host_id for finding in found if finding.explained_by_id is None)
    rows = statuses(store.hosts(), roots, timezone.now())
    rows.sort(key=lambda row: (-row.open_findings, _URGENCY[row.state], -(row.cpu_ratio or 0), row.name))
    context = {
        "headline": headline(groups, rows),
        "groups": groups[:_MOST_GROUPS],
        "more_groups": max(0, len(groups) - _MOST_GROUPS),
        "hosts": rows[:_MOST_HOSTS],
        "more_hosts": max(0, len(rows) - _MOST_HOSTS),
        "silent": sum(row.state in {"silent", "late"} for row in rows),
        "rules": len(catalogue.all_rules()),
    }
    return render(request, "overview.html", context)


def headline(groups: list[Group], rows: list[HostStatus]) -> str:
    """The state of everything in one line."""
    if not rows:
        return "Ready for the first host"
    if not groups:
        return "Nothing is wrong that the rules can see"
    troubled = sum(row.open_findings > 0 for row in rows)
    problems = "1 problem" if len(groups) == 1 else f"{len(groups)} problems"
    return f"{problems} on {troubled} of {len(rows)} host{'' if len(rows) == 1 else 's'}"
