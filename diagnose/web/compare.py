"""The Compare page: a host beside another one, or beside itself at another time; what differs most comes first."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from diagnose.access.pages import PageRequest, page
from diagnose.reports import comparison
from diagnose.reports.comparison import Side
from diagnose.store import facts, series
from diagnose.store import hosts as store
from diagnose.web import timerange
from diagnose.web.timerange import TimeRange

# How far back the base lies, in seconds; "range" is just before the range.
AGO = (
    ("0", _("at the same time")),
    ("range", _("just before")),
    ("3600", _("an hour before")),
    ("86400", _("a day before")),
    ("604800", _("a week before")),
)


@page()
def compare(request: PageRequest) -> HttpResponse:
    """`host` in the range, against the host `base` as long `ago`; against itself just before, if nothing else."""
    span = timerange.of_request(request, "-1h")
    names = store.names()
    host = chosen(request.GET.get("host", ""), names)
    base = chosen(request.GET.get("base", ""), names) or host
    given = request.GET.get("ago", "")
    ago = given if given in dict(AGO) else "0" if base != host else "range"
    if ago == "0" and base == host:
        ago = "range"
    context = {
        "range": span,
        "keep": {"host": host or "", "base": base or "", "ago": ago},
        "hosts": sorted(names.items(), key=lambda one: one[1].casefold()),
        "host": host,
        "base": base,
        "ago": ago,
        "agos": AGO,
        "name": names.get(host or 0, ""),
        "base_name": names.get(base or 0, ""),
        **(differences(host, base, span, ago) if host and base else {}),
    }
    return render(request, "compare.html", context)


def chosen(given: str, names: dict[int, str]) -> int | None:
    """Its id, when there is such a host."""
    return int(given) if given.isdecimal() and int(given) in names else None


def differences(host: int, base: int, span: TimeRange, ago: str) -> dict[str, object]:
    back_ns = span.end_ns - span.start_ns if ago == "range" else int(ago) * 10**9
    now = Side(host, span.start_ns, span.end_ns)
    before = Side(base, max(0, span.start_ns - back_ns), max(1, span.end_ns - back_ns))
    refs = series.every_of({host, base})
    return {
        "differences": comparison.differences(before, now, refs),
        "durations": comparison.durations(before, now, refs),
        "facts": comparison.other_facts(facts.facts(base), facts.facts(host)) if base != host else [],
        "before": TimeRange(before.start_ns, before.end_ns, "", ""),
    }
