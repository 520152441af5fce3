"""What a new report is about, as a form of a page says it."""

from __future__ import annotations

import time
from collections.abc import Mapping

from diagnose.access.problems import Problem
from diagnose.models import Host
from diagnose.reports.diagnosis.document import Scope, Span
from diagnose.web import timerange

SPANS = (
    ("-1h", "the last hour"),
    ("-6h", "the last 6 hours"),
    ("-24h", "the last day"),
    ("-7d", "the last week"),
)


def scope_of(given: Mapping[str, str]) -> Scope:
    """Of `host` (an id) and `service`, both may be empty. Raises Problem 422 for a host that does not exist."""
    host, service = host_of(given.get("host", "")), given.get("service", "").strip().replace("\0", "")[:300]
    if service:
        return Scope("service", host.pk if host else None, host.name if host else "", service)
    return Scope("host", host.pk, host.name) if host else Scope("fleet")


def host_of(given: str) -> Host | None:
    if not given:
        return None
    host = Host.objects.filter(pk=int(given)).first() if given.isascii() and given.isdecimal() else None
    if host is None:
        detail = f"host={given[:40]!r} is no host here: choose one of the list, or none for all."
        raise Problem(422, "No such host", detail, errors={"host": "the id of a host"})
    return host


def span_of(given: Mapping[str, str]) -> Span:
    """Of `from` and `to`. Raises Problem 422."""
    try:
        found = timerange.parse(given.get("from", "") or "-24h", given.get("to", ""), time.time_ns())
    except timerange.BadRange as error:
        raise Problem(422, "Not a window", f"{error}.", errors={"from": str(error)}) from None
    return Span(found.start, found.end)
