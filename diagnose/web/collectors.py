"""The Collectors page: how to add a host, and how each one's collector fares."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from diagnose.access import enroll
from diagnose.access.pages import PageRequest, page
from diagnose.access.problems import Problem
from diagnose.access.roles import at_least
from diagnose.installer import script, shelf, versions
from diagnose.models import Host
from diagnose.models.access import Role
from diagnose.reports.collectors import CollectorRow, probe_lines
from diagnose.reports.collectors import collectors as report
from diagnose.store import hosts as store
from diagnose.store.hosts import HostRow
from diagnose.web.host import clock
from diagnose.web.install import server_url
from diagnose.web.ordering import Column, ordered

HOURS = ((1, "for an hour"), (24, "for a day"), (24 * 7, "for a week"))
HOSTS = (("1", "one host"), ("10", "ten hosts"), ("", "any number of hosts"))
_MOST_NOTICES = 20
COLUMNS: tuple[Column[CollectorRow], ...] = (
    Column("name", _("Host"), lambda row: row.host.name.casefold()),
    Column("version", _("Version"), lambda row: row.version or None),
    Column("seen", _("Last batch"), lambda row: row.host.last_seen_at and row.host.last_seen_at.timestamp()),
    Column("lag", _("Lag"), lambda row: row.lag_seconds, True, _("Age of the newest reading the server has")),
    Column("skew", _("Clock"), lambda row: _distance(row), True, _("Against the server's")),
    Column("cpu", _("CPU"), lambda row: row.own.cpus, True, _("Of one core, sampling included")),
    Column("memory", _("Memory"), lambda row: row.own.resident_bytes, True, _("Resident, sampling included")),
    Column("spool", _("Waiting"), lambda row: row.own.spool_batches, True, _("Batches on the host's disk")),
    Column("lost", _("Lost"), lambda row: row.host.lost_batches, True, _("Batches that will never come")),
    Column(
        "unread", _("Unreadable"), lambda row: row.host.quarantined_batches, True, _("Batches in quarantine")
    ),
    Column(
        "probes", _("Probes"), lambda row: row.host.failing_probes, True, _("At work, of all that reported")
    ),
)


@page()
def collectors(request: PageRequest) -> HttpResponse:
    return _shown(request)


@page(Role.OPERATOR)
def invite(request: PageRequest) -> HttpResponseBase:
    """The page with a new enrolment token, this once: it is in no address, no session and no cache."""
    if request.method != "POST":  # the links of this page are relative to its address
        return redirect(reverse("collectors", query=request.GET))
    try:
        hosts, hours = _choice(request)
    except Problem as problem:
        messages.error(request, problem.detail)
        return redirect("collectors")
    secret = enroll.invite(
        request.actor, hosts=hosts, lifetime=timedelta(hours=hours), label="Collectors page"
    )
    answer = _shown(
        request,
        lines="\n".join(script.lines(server_url(request), secret)),
        expires_at=timezone.now() + timedelta(hours=hours),
        for_hosts=dict(HOSTS)[str(hosts or "")],
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@page()
def collector(request: PageRequest, host_id: int) -> HttpResponse:
    """One collector with all that it says of itself."""
    shown = host_of(host_id)
    (row,) = report([shown], timezone.now())
    context = {
        "row": row,
        "host": shown,
        "own": row.own,
        "probes": probe_lines(host_id),
        "gaps": store.gaps(host_id)[:_MOST_NOTICES],
        "quarantined": store.quarantined(host_id)[:_MOST_NOTICES],
        "ours": versions.OURS,
        "upgrade": script.upgrade_line(server_url(request)),
        "may_revoke": at_least(request.actor.role, Role.ADMIN),
        **clock(shown.clock_skew_seconds),
    }
    return render(request, "collector.html", context)


@page(Role.ADMIN)
def revoke(request: PageRequest, host_id: int) -> HttpResponseBase:
    host = host_of(host_id)
    if request.method == "POST":
        ended = enroll.expel(request.actor, Host.objects.get(pk=host_id))
        words = "Its collector is refused from now on." if ended else "It had no credential that counts."
        messages.success(request, f"{host.name}: {words}")
    return redirect("collector", host_id)


def host_of(host_id: int) -> HostRow:
    found = store.host(host_id)
    if found is None:
        raise Http404(f"There is no host {host_id}.")
    return found


def _shown(request: PageRequest, **invitation: Any) -> HttpResponse:
    now: datetime = timezone.now()
    order = request.GET.get("order", "")
    rows, headings = ordered(report(store.hosts(), now), COLUMNS, order, "name")
    server = server_url(request)
    context = {
        "rows": rows,
        "headings": headings,
        "summary": summary(rows),
        "old": [row for row in rows if row.is_old],
        "ours": versions.OURS,
        "upgrade": script.upgrade_line(server),
        "shelf": shelf.state(),
        "server": server,
        "is_plain": not request.is_secure(),
        "is_loopback": is_loopback(server),
        "may_invite": at_least(request.actor.role, Role.OPERATOR),
        "hours": HOURS,
        "numbers": HOSTS,
        **invitation,
    }
    return render(request, "collectors.html", context)


def summary(rows: list[CollectorRow]) -> str:
    """Such as "3 collectors, 1 of an older version"."""
    if not rows:
        return "No collector yet"
    words = [f"{len(rows)} collector{'' if len(rows) == 1 else 's'}"]
    old, silent = sum(row.is_old for row in rows), sum(row.state in {"silent", "never"} for row in rows)
    words += [f"{silent} silent"] if silent else []
    words += [f"{old} of an older version than this server's {versions.OURS}"] if old else []
    return ", ".join(words)


def is_loopback(server: str) -> bool:
    """Whether only this machine reaches that address."""
    name = urlsplit(server).hostname or ""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _distance(row: CollectorRow) -> float | None:
    skew = row.host.clock_skew_seconds
    return None if skew is None else abs(skew)


def _choice(request: PageRequest) -> tuple[int | None, int]:
    """How many hosts, and for how many hours. Raises Problem 422."""
    hosts, hours = request.POST.get("hosts", ""), request.POST.get("hours", "")
    if hosts not in dict(HOSTS) or hours not in {str(each) for each, _ in HOURS}:
        raise Problem(
            422, "Bad choice", f"hosts={hosts[:20]!r}, hours={hours[:20]!r}: choose from the lists."
        )
    return int(hosts) if hosts else None, int(hours)
