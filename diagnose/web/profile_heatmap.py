"""When a service's samples were taken: seconds against the offset within each; a region of it is a flame graph."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from diagnose.access.pages import PageRequest, page
from diagnose.captures import query as captures
from diagnose.models import Capture
from diagnose.store import hosts as host_store
from diagnose.store import profiles
from diagnose.store.rows import NS_PER_SECOND
from diagnose.web import timerange
from diagnose.web.profile_choice import (
    addresses,
    bounds,
    choose,
    context_of,
    fits,
    offered_types,
    service_names,
)
from diagnose.web.timerange import TimeRange

_MOST_SECONDS = 3600


@page()
def profile_heatmap(request: PageRequest) -> HttpResponse:
    """The choice is that of the Profile page, or a `capture`; of a longer range the last hour is shown."""
    if request.GET.get("capture"):
        return _of_capture(request, captures.get(request.GET["capture"]))
    span = timerange.of_request(request)
    shown = _last_hour(request, span)
    hosts = host_store.hosts()
    stored = profiles.services((), shown.start_ns, shown.end_ns)
    chosen = choose(request.GET, hosts, stored)
    query = {**{name: text for name, text in chosen.query.items() if name != "cells"}, **bounds(shown)}
    context = {
        **context_of(request.GET, span, hosts, chosen),
        "view": "profile-heatmap",
        "services": service_names(stored, chosen),
        "types": offered_types(stored, chosen),
        "nothing": not any(fits(each, chosen) for each in stored),
        "heatmap_url": f"/api/v1/profiles/heatmap?{urlencode({k: v for k, v in query.items() if k != 'threads'})}",
        **addresses(query),
    }
    return render(request, "profile_heatmap.html", context)


def _of_capture(request: PageRequest, capture: Capture) -> HttpResponse:
    """Only captures of native programs tell when each sample was taken; of others the page says so."""
    query = {"capture": capture.id}
    context = {
        "capture": capture,
        "views_query": urlencode(query),
        "heatmap_url": f"/api/v1/profiles/heatmap?{urlencode(query)}",
        **addresses(query),
        "function_url": "",
        "times_url": "",
    }
    return render(request, "profile_heatmap.html", context)


def _last_hour(request: PageRequest, span: TimeRange) -> TimeRange:
    if span.seconds <= _MOST_SECONDS:
        return span
    messages.info(request, _("A heat map shows up to an hour; this is the last one of the range."))
    return TimeRange(span.end_ns - _MOST_SECONDS * NS_PER_SECOND, span.end_ns, span.given_from, span.given_to)
