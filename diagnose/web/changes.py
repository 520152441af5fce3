"""The Changes page: what became different, when, and near which findings it lies."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from diagnose.access.pages import PageRequest, page
from diagnose.changes import query
from diagnose.models import Change
from diagnose.store import hosts as store
from diagnose.web import timerange

_MOST = 200
_DEFAULT_FROM = "-24h"


@page()
def changes(request: PageRequest) -> HttpResponse:
    """Filter by `host` (its name), `service` and `kind`; of the last day unless another range is given."""
    span = timerange.of_request(request, _DEFAULT_FROM)
    ids = {row.name: row.id for row in store.hosts()}
    host, service, kind = (request.GET.get(name, "") for name in ("host", "service", "kind"))
    host, kind = host if host in ids else "", kind if kind in query.KINDS else ""
    found = query.list_changes(
        host_id=ids.get(host),
        service=service or None,
        kind=kind or None,
        since=span.start,
        until=span.end,
    )
    shown = list(found[: _MOST + 1])
    context = {
        "changes": shown[:_MOST],
        "more": len(shown) > _MOST,
        "range": span,
        "presets": timerange.PRESETS,
        "keep": {"host": host, "service": service, "kind": kind},
        "kinds": Change.Kind.choices,
        "hosts": ids,
        "host": host,
        "service": service,
        "kind": kind,
        "filtered": bool(host or service or kind),
    }
    return render(request, "changes.html", context)
