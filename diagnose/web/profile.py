"""The Profile page: where a service spends its time, as a flame graph and a table of functions."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render

from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.captures import kinds
from diagnose.captures import query as captures
from diagnose.models import Capture
from diagnose.models.access import Role
from diagnose.store import hosts as host_store
from diagnose.store import profiles
from diagnose.store.hosts import HostRow
from diagnose.store.profiles import ProfiledService
from diagnose.web import timerange
from diagnose.web.profile_choice import (
    Choice,
    addresses,
    bounds,
    choose,
    context_of,
    fits,
    offered_types,
    service_names,
)

_PROBES = ("stacks.python", "stacks.native")


@page()
def profile(request: PageRequest) -> HttpResponse:
    """`service`, `host`, `type`, `threads` and the range stand in the address; `capture` shows one capture."""
    if request.GET.get("capture"):
        return _of_capture(request, captures.get(request.GET["capture"]))
    span = timerange.of_request(request)
    hosts = host_store.hosts()
    stored = profiles.services((), span.start_ns, span.end_ns)
    chosen = choose(request.GET, hosts, stored)
    found = [each for each in stored if fits(each, chosen)]
    context = {
        **context_of(request.GET, span, hosts, chosen),
        "view": "profile",
        "services": service_names(stored, chosen),
        "types": offered_types(stored, chosen),
        "may_capture": at_least(request.actor.role, Role.OPERATOR),
        "capture_query": urlencode({"service": chosen.service, "type": chosen.type, **on_host(chosen)}),
        **(
            addresses({**chosen.query, **bounds(span)})
            if found
            else {"nothing": nothing(stored, chosen, hosts)}
        ),
    }
    return render(request, "profile.html", context)


def on_host(chosen: Choice) -> dict[str, int]:
    return {"host": chosen.host} if chosen.host else {}


def _of_capture(request: PageRequest, capture: Capture) -> HttpResponse:
    threads = request.GET.get("threads") == "1"
    query = {"capture": capture.id, **({"threads": "1"} if threads else {})}
    context = {
        "capture": capture,
        "threads": threads,
        "meaning": kinds.of(capture.kind).meaning,
        **addresses(query),
    }
    return render(request, "profile.html", context)


def nothing(stored: list[ProfiledService], chosen: Choice, hosts: list[HostRow]) -> dict[str, object]:
    """Why there is no profile, as far as the server knows, and what else there is."""
    of_service = [each for each in stored if each.service == chosen.service]
    return {
        "any_host": bool(hosts),
        "anything": bool(stored),
        "types": sorted({each.type for each in of_service if chosen.host in {0, each.host_id}}),
        "elsewhere": bool(of_service) and all(each.host_id != chosen.host for each in of_service),
        "probes": refusals([host for host in hosts if chosen.host in {0, host.id}]),
    }


def refusals(hosts: list[HostRow]) -> list[tuple[HostRow, str]]:
    """The hosts whose collectors say that they cannot sample stacks, and why; the first ten."""
    found = [
        (host, probe.reason)
        for host in hosts
        if host.failing_probes
        for probe in host_store.probes(host.id)
        if probe.probe in _PROBES and not probe.ok
    ]
    return found[:10]
