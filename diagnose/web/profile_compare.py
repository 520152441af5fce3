"""Two selections of a service beside each other: ranges, hosts, labels, threads, regions of a heat map, or files."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnose.access.pages import PageRequest, page
from diagnose.captures import query as captures
from diagnose.ingest import uploads
from diagnose.models import Capture, Upload
from diagnose.store import breakdown, profiles
from diagnose.store import hosts as host_store
from diagnose.store.profiles import Selector
from diagnose.web import timerange
from diagnose.web.profile_choice import (
    Choice,
    bounds,
    choose,
    context_of,
    fits,
    labels_of,
    offered_types,
    service_names,
)
from diagnose.web.timerange import BadRange, TimeRange

_BASE = "base."
_NS = 10**9
# How long before the other side the base may lie, beside right before it.
_EARLIER = (
    (3600, gettext_lazy("an hour earlier")),
    (86400, gettext_lazy("a day earlier")),
    (7 * 86400, gettext_lazy("a week earlier")),
)
_MOST_VALUES = 50


@dataclass(frozen=True, slots=True)
class Base:
    """What the choice is held against; what is not named is as on the other side."""

    span: TimeRange
    host: int
    labels: tuple[tuple[str, str], ...]
    thread: str
    cells: str

    @property
    def query(self) -> dict[str, str]:
        given = {
            "host": str(self.host or ""),
            "thread": self.thread,
            "cells": self.cells,
            **{f"label.{name}": value for name, value in self.labels},
            **({} if self.cells else bounds(self.span)),
        }
        return {f"{_BASE}{name}": value for name, value in given.items() if value}


@page()
def profile_compare(request: PageRequest) -> HttpResponse:
    """The choice is that of the Profile page; what `base.…` names is the other side. Of a `capture`: two regions."""
    if request.GET.get("upload"):
        return _of_files(
            request, uploads.get(request.GET["upload"]), uploads.get(request.GET.get("base.upload", ""))
        )
    if request.GET.get("capture"):
        return _of_capture(request, captures.get(request.GET["capture"]))
    span = timerange.of_request(request)
    hosts = host_store.hosts()
    stored = profiles.services((), span.start_ns, span.end_ns)
    chosen = choose(request.GET, hosts, stored)
    base = _base_of(request, span, chosen)
    file = request.GET.get("base.upload", "")
    against = uploads.get(file) if file else None
    of_base = {"base.upload": against.id} if against else base.query
    query = {**chosen.query, **bounds(span), **of_base, "mode": "normalised"}
    context = {
        **context_of(request.GET, span, hosts, chosen),
        "view": "profile-compare",
        "services": service_names(stored, chosen),
        "types": offered_types(stored, chosen),
        "base": base,
        "against": against,
        "uploads": Upload.objects.all()[:_MOST_VALUES],
        "keep_base": {name: value for name, value in request.GET.items() if name.startswith(_BASE)},
        "earlier": _earlier(request.GET, span),
        "values": _values(chosen, base, span),
        "nothing": not any(fits(each, chosen) for each in stored),
        "diff_url": f"/api/v1/profiles/diff?{urlencode(query)}",
    }
    return render(request, "profile_compare.html", context)


def _of_files(request: PageRequest, here: Upload, base: Upload) -> HttpResponse:
    query = {"upload": here.id, "base.upload": base.id, "mode": "normalised"}
    context = {"here": here, "against": base, "diff_url": f"/api/v1/profiles/diff?{urlencode(query)}"}
    return render(request, "profile_compare.html", context)


def _of_capture(request: PageRequest, capture: Capture) -> HttpResponse:
    given = {name: request.GET.get(name, "")[:500] for name in ("cells", "base.cells")}
    query = {"capture": capture.id, **given, "mode": "normalised"}
    context = {"capture": capture, **given, "diff_url": f"/api/v1/profiles/diff?{urlencode(query)}"}
    return render(request, "profile_compare.html", context)


def _base_of(request: PageRequest, span: TimeRange, chosen: Choice) -> Base:
    given = request.GET
    host = given.get("base.host", "")
    return Base(
        span=_base_span(request, span),
        host=int(host) if host.isdecimal() and len(host) < 10 else chosen.host,
        labels=labels_of(given, "base.label."),
        thread=given.get("base.thread", "")[:500],
        cells=given.get("base.cells", "")[:500],
    )


def _base_span(request: PageRequest, span: TimeRange) -> TimeRange:
    """Right before the other side and as long, unless the address says otherwise."""
    length = span.end_ns - span.start_ns
    before = TimeRange(span.start_ns - length, span.start_ns, str((span.start_ns - length) // _NS))
    given = request.GET.get("base.from", ""), request.GET.get("base.to", "")
    if not any(given):
        return before
    try:
        return timerange.parse(given[0] or str(before.start_ns // _NS), given[1], span.end_ns)
    except BadRange as error:
        messages.error(request, _("The base: %(why)s. Showing the range right before.") % {"why": error})
        return before


def _earlier(given: QueryDict, span: TimeRange) -> list[tuple[object, str, bool]]:
    """Words, the page's query, and whether it is what is shown."""
    found: list[tuple[object, str, bool]] = []
    shown = given.get("base.from", "")
    for seconds, words in ((0, gettext_lazy("the range right before")), *_EARLIER):
        query = given.copy()
        for name in ("base.from", "base.to"):
            query.pop(name, None)
        if seconds:
            begin, end = (str(ns // _NS - seconds) for ns in (span.start_ns, span.end_ns))
            query["base.from"], query["base.to"] = begin, end
            query["from"], query["to"] = str(span.start_ns // _NS), str(span.end_ns // _NS)
        found.append((words, query.urlencode(), shown == query.get("base.from", "")))
    return found


def _values(chosen: Choice, base: Base, span: TimeRange) -> list[tuple[str, list[str], str, str]]:
    """Labels with their values, and which of these either side is narrowed to."""
    start_ns, end_ns = min(span.start_ns, base.span.start_ns), max(span.end_ns, base.span.end_ns)
    found = breakdown.label_values(Selector(chosen.service, chosen.type), start_ns, end_ns)
    return [
        (name, values, dict(chosen.labels).get(name, ""), dict(base.labels).get(name, ""))
        for name, values in found.items()
        if 1 < len(values) <= _MOST_VALUES
    ]
