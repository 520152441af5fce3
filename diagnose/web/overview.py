"""The first page: what is wrong now, worst root cause first, how the hosts are, what changed and what was fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from diagnose.access.pages import PageRequest, page
from diagnose.changes import query as changes
from diagnose.correlate import catalogue
from diagnose.findings import describe, query
from diagnose.models import Finding
from diagnose.reports.finding_groups import Group, fold
from diagnose.reports.fleet_grid import grid
from diagnose.reports.host_list import state_of
from diagnose.store import hosts as store
from diagnose.store.hosts import NamedHost

_MOST_GROUPS = 20
_MOST_HOSTS = 20
_MOST_CHANGES = 8
_MOST_FIXED = 6
_CHANGED = timedelta(hours=1)
_FIXED = timedelta(days=7)
_URGENCY = {"silent": 0, "late": 1, "never": 2, "live": 3}


@page()
def overview(request: PageRequest) -> HttpResponse:
    now = timezone.now()
    found = list(query.list_findings("open"))
    groups = fold([describe.as_json(finding) for finding in found])
    roots = Counter(finding.host_id for finding in found if finding.explained_by_id is None)
    hosts = worst_first(store.all_named(), roots, now)
    changed = list(changes.list_changes(since=now - _CHANGED)[: _MOST_CHANGES + 1])
    context = {
        "headline": headline(groups, len(roots), len(hosts)),
        "groups": groups[:_MOST_GROUPS],
        "more_groups": max(0, len(groups) - _MOST_GROUPS),
        "hosts": hosts,
        "grid": grid({host.id: host.name for host in hosts[:_MOST_HOSTS]}, found, int(now.timestamp() * 1e9)),
        "more_hosts": max(0, len(hosts) - _MOST_HOSTS),
        "silent": sum(state_of(host.last_seen_at, now) in {"silent", "late"} for host in hosts),
        "rules": len(catalogue.all_rules()),
        "changes": changed[:_MOST_CHANGES],
        "more_changes": len(changed) > _MOST_CHANGES,
        "fixed": fixed(now),
    }
    return render(request, "overview.html", context)


def worst_first(hosts: Sequence[NamedHost], roots: Counter[int], now: datetime) -> list[NamedHost]:
    """Those with most root causes, then those that do not report."""
    return sorted(
        hosts, key=lambda one: (-roots[one.id], _URGENCY[state_of(one.last_seen_at, now)], one.name)
    )


def fixed(now: datetime) -> list[Finding]:
    """Root causes that hold no more, the latest first."""
    found = query.list_findings("resolved", since=now - _FIXED).filter(explained_by=None)
    return list(found.order_by("-closed_at")[:_MOST_FIXED])


def headline(groups: list[Group], troubled: int, hosts: int) -> str:
    """The state of everything in one line."""
    if not hosts:
        return gettext("Ready for the first host")
    if not groups:
        return gettext("Nothing is wrong that the rules can see")
    problems = ngettext("%(n)s problem", "%(n)s problems", len(groups)) % {"n": len(groups)}
    words = ngettext(
        "%(problems)s on %(troubled)s of %(n)s host", "%(problems)s on %(troubled)s of %(n)s hosts", hosts
    )
    return words % {"problems": problems, "troubled": troubled, "n": hosts}
