"""The Series explorer: any metric of any host or group, as lines or percentiles; as a file, and kept under a name."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import cast, get_args
from urllib.parse import urlencode

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST

from diagnose.access.pages import PageRequest, page
from diagnose.models import User
from diagnose.reports import explorer
from diagnose.reports.charts.figure import Window
from diagnose.reports.explorer import Answer, Question
from diagnose.store import hosts as store
from diagnose.store import savedviews, series
from diagnose.store.summaries import Aggregate
from diagnose.web import timerange
from diagnose.web.host import refresh_seconds

AGGREGATES = (
    ("", _("as it is: rate of counters, average of others")),
    ("max", _("highest")),
    ("min", _("lowest")),
    ("sum", _("sum")),
)
ACROSS = (("sum", _("added up")), ("mean", _("averaged")), ("max", _("the highest")))
_KEPT = ("metric", "host", "by", "agg", "across", "view", "from", "to")
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@page()
def explore(request: PageRequest) -> HttpResponse:
    """The whole question stands in the address: `metric`, `host` (ids), `by` (labels), `agg`, `across`, `view`."""
    span = timerange.of_request(request)
    names = store.names()
    question = asked(request, names)
    found = explorer.answer(question, names, Window(span.start_ns, span.end_ns)) if question.metric else None
    kept = {name: request.GET.getlist(name) for name in _KEPT if any(request.GET.getlist(name))}
    address = urlencode(kept, doseq=True)
    context = {
        "range": span,
        "keep": {name: values[0] for name, values in kept.items() if name not in {"from", "to"}},
        "refresh_seconds": refresh_seconds(span),
        "question": question,
        "found": found,
        "metrics": series.metrics(question.host_ids),
        "hosts": sorted(names.items(), key=lambda one: one[1].casefold()),
        "aggregates": AGGREGATES,
        "across": ACROSS,
        "figures": f"{reverse('series-chart')}?{address}",
        "file": f"{reverse('series-csv')}?{address}",
        "address": address,
        "views": savedviews.views_of(signed_in(request)),
    }
    return render(request, "series.html", context)


@gzip_page
@page()
def chart(request: PageRequest) -> JsonResponse:
    span = timerange.of_request(request)
    window = Window(span.start_ns, span.end_ns)
    names = store.names()
    question = asked(request, names)
    found = explorer.answer(question, names, window)
    return JsonResponse({"charts": {"series": explorer.figure(question, found, window)}})


@page()
def file(request: PageRequest) -> HttpResponse:
    """All points that are drawn, as CSV: time, line, value."""
    span = timerange.of_request(request)
    names = store.names()
    question = asked(request, names)
    found = explorer.answer(question, names, Window(span.start_ns, span.end_ns))
    answer = HttpResponse(_table(question.metric, found), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="series.csv"'
    return answer


@require_POST
@page()
def keep(request: PageRequest) -> HttpResponseBase:
    """Keeps the address under a name, or with `forget` gives one up."""
    user = signed_in(request)
    if request.POST.get("forget"):
        savedviews.forget(user, request.POST["forget"])
    else:
        savedviews.keep(user, request.POST.get("name", ""), request.POST.get("address", ""))
    return redirect(f"{reverse('series')}?{request.POST.get('address', '')}")


def signed_in(request: PageRequest) -> User:
    """Pages are for people: `page` has sent everybody else to sign in."""
    return cast(User, request.user)


def asked(request: PageRequest, names: dict[int, str]) -> Question:
    """What is not known is left out."""
    hosts = tuple(int(one) for one in request.GET.getlist("host") if one.isdecimal() and int(one) in names)
    agg, across = request.GET.get("agg", ""), request.GET.get("across", "")
    return Question(
        metric=request.GET.get("metric", "").strip()[:120],
        host_ids=hosts,
        labels={
            name.removeprefix("label."): str(value)
            for name, value in request.GET.items()
            if name.startswith("label.")
        },
        agg=cast(Aggregate, agg) if agg in get_args(Aggregate) else None,
        by=tuple(one for one in request.GET.getlist("by") if one),
        across=across if across in explorer.ACROSS else "sum",
        stacked=request.GET.get("view") == "stacked",
    )


def _table(metric: str, found: Answer) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["time", "line", metric])
    for name, line in found.lines:
        for ns, value in zip(line.times_ns.tolist(), line.values.tolist(), strict=True):
            at = datetime.fromtimestamp(ns / 1e9, UTC).isoformat()
            table.writerow([at, f"'{name}" if name.startswith(_FORMULA) else name, f"{value:.8g}"])
    return text.getvalue()
