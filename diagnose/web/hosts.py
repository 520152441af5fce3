"""The Hosts page: every host, how it is now, and where to look first."""

from __future__ import annotations

from collections import Counter

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from diagnose.access.pages import PageRequest, page
from diagnose.findings import query
from diagnose.reports.host_list import HostStatus, State, statuses
from diagnose.store import hosts as store
from diagnose.web.ordering import Column, ordered

STATES: tuple[tuple[State, str], ...] = (
    ("live", "Live"),
    ("late", "Late"),
    ("silent", "Silent"),
    ("never", "Nothing yet"),
)
COLUMNS: tuple[Column[HostStatus], ...] = (
    Column("name", "Host", lambda row: row.name.casefold()),
    Column("findings", "Findings", lambda row: row.open_findings, True, "Open root causes"),
    Column("cpu", "CPU", lambda row: row.cpu_ratio, True, "Share of all CPUs at work, last minute"),
    Column("cpus", "CPUs", lambda row: row.cpus, True),
    Column("memory", "Memory", lambda row: row.memory_ratio, True, "Total − available"),
    Column("installed", "of", lambda row: row.memory_bytes, True, "Memory the host has"),
    Column("seen", "Last seen", lambda row: row.last_seen_at and row.last_seen_at.timestamp()),
    Column("lag", "Lag", lambda row: row.lag_seconds, True, "Age of the newest reading the server has"),
    Column("agent", "Collector", lambda row: row.agent or None),
)


@page()
def hosts(request: PageRequest) -> HttpResponse:
    """Filter by `q` (part of the name) and `state`, order by `order`."""
    rows = statuses(store.hosts(), root_causes(), timezone.now())
    name, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    shown = [row for row in rows if name.casefold() in row.name.casefold() and state in {"", row.state}]
    order = request.GET.get("order", "")
    arranged, headings = ordered(shown, COLUMNS, order, "-findings")
    context = {
        "rows": arranged,
        "headings": headings,
        "any_host": bool(rows),
        "summary": summary(rows),
        "filter": name,
        "state": state,
        "states": STATES,
        "order": order,
    }
    return render(request, "hosts.html", context)


def root_causes() -> Counter[int]:
    """Open findings that no other explains, by host id."""
    return Counter(
        finding.host_id for finding in query.list_findings("open") if finding.explained_by_id is None
    )


def summary(rows: list[HostStatus]) -> str:
    """Such as "12 hosts: 10 live, 2 silent"."""
    states = Counter(row.state for row in rows)
    parts = [f"{states[value]} {title.lower()}" for value, title in STATES if states[value]]
    return f"{len(rows)} host{'' if len(rows) == 1 else 's'}: {', '.join(parts)}" if rows else "No host yet"
