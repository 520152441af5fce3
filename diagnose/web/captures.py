"""The pages of on-demand profiles: the list with its form, and one capture as it goes."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render

from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.captures import describe, kinds
from diagnose.captures import query as captures_in
from diagnose.captures.lifecycle import OPEN
from diagnose.captures.request import MAX_HZ, MAX_SECONDS
from diagnose.models.access import Role
from diagnose.reports.process_table import ProcessRow, process_rows
from diagnose.store import hosts as host_store
from diagnose.store.hosts import HostRow
from diagnose.web.profile import addresses

STATES = (("", "All"), ("open", "Going on"), ("done", "Done"), ("failed", "Failed"))
# How a state is said and which chip it gets.
WORDS = {
    "waiting": ("Waits its turn", ""),
    "queued": ("Waiting for the collector", "accent"),
    "sent": ("Taken by the collector", "accent"),
    "running": ("Sampling", "accent"),
    "done": ("Done", "good"),
    "failed": ("Failed", "critical"),
    "refused": ("Refused by the host", "warning"),
    "cancelled": ("Cancelled", ""),
    "expired": ("Nobody took it", "warning"),
}
_PAGE = 50


@dataclass(frozen=True, slots=True)
class ServiceChoice:
    """A service with running processes; `python` says whether py-spy can read at least one of them."""

    name: str
    processes: int
    python: bool


@page()
def captures(request: PageRequest) -> HttpResponse:
    """Filter by `state`; `host`, `service`, `pid` and `type` fill in the form.

    With `list`, by which the page follows what goes on, the form's processes are left out.
    """
    given = request.GET
    state = given.get("state", "") if given.get("state") in dict(STATES) else ""
    found = captures_in.list_captures(state=state or None)
    after = given.get("after", "")
    shown = list((found.filter(id__lt=after) if after else found).order_by("-id")[: _PAGE + 1])
    hosts = host_store.hosts()
    host = chosen_host(hosts, given.get("host", ""))
    processes = process_rows(host.id, time.time_ns()) if host and "list" not in given else []
    context = {
        "rows": [(each, *WORDS[each.state]) for each in shown[:_PAGE]],
        "next": shown[_PAGE - 1].id if len(shown) > _PAGE else None,
        "state": state,
        "states": STATES,
        "hosts": hosts,
        "host": host,
        "services": [(each, each.name == given.get("service")) for each in service_choices(processes)],
        "processes": [(row, str(row.pid) == given.get("pid")) for row in python_first(processes)],
        "kinds": [(kind.name, kind.title, kind.meaning) for kind in kinds.ALL],
        "kind": kinds.ALIASES.get(given.get("type", "cpu"), given.get("type")),
        "longest_seconds": MAX_SECONDS,
        "highest_hz": MAX_HZ,
        "may_capture": at_least(request.actor.role, Role.OPERATOR),
    }
    return render(request, "captures.html", context)


@page()
def capture(request: PageRequest, capture_id: str) -> HttpResponse:
    """One capture; the page's script follows it while it goes on."""
    shown = captures_in.get(capture_id)
    words, chip = WORDS[shown.state]
    context = {
        "capture": shown,
        "record": describe.as_json(shown),
        "words": words,
        "chip": chip,
        "all_words": {state: {"text": text, "chip": chip} for state, (text, chip) in WORDS.items()},
        "open": shown.state in OPEN,
        "kind": kinds.of(shown.kind),
        "meaning": kinds.of(shown.kind).meaning,
        "may_capture": at_least(request.actor.role, Role.OPERATOR),
        **addresses({"capture": shown.id}),
    }
    return render(request, "capture.html", context)


def chosen_host(hosts: list[HostRow], given: str) -> HostRow | None:
    """The one asked for by id or name, else the only or the first one."""
    named = [host for host in hosts if given in {str(host.id), host.name}]
    return next(iter(named or hosts), None)


def python_first(processes: list[ProcessRow]) -> list[ProcessRow]:
    """What py-spy can read comes first, the busiest before the others."""
    return sorted(processes, key=lambda row: (not row.profiled, -(row.cpus or 0.0), row.pid))


def service_choices(processes: list[ProcessRow]) -> list[ServiceChoice]:
    """Python services first, then by name."""
    by_name: dict[str, list[ProcessRow]] = defaultdict(list)
    for row in processes:
        if row.service:
            by_name[row.service].append(row)
    found = [
        ServiceChoice(name, len(rows), any(row.profiled for row in rows)) for name, rows in by_name.items()
    ]
    return sorted(found, key=lambda each: (not each.python, each.name.casefold()))
