"""The Reports page: those that were made, a form for a new one, and two beside each other."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from diagnose.access.pages import PageRequest, page
from diagnose.access.problems import Problem
from diagnose.access.roles import at_least
from diagnose.models.access import Role
from diagnose.reports.diagnosis import kept
from diagnose.reports.diagnosis.compare import compare as compared
from diagnose.store import hosts as host_store
from diagnose.store import services as service_store
from diagnose.web import report_form

_PAGE = 50


@page()
def reports(request: PageRequest) -> HttpResponse:
    """Filled in: `host`, `service`, `from`, `to`."""
    shown = Paginator(kept.every(), _PAGE).get_page(request.GET.get("page"))
    context = {
        "reports": shown,
        "hosts": host_store.hosts(),
        "services": service_store.services(),
        "spans": report_form.SPANS,
        "given": request.GET,
        "may_make": at_least(request.actor.role, Role.OPERATOR),
    }
    return render(request, "reports.html", context)


@page(Role.OPERATOR)
def make(request: PageRequest) -> HttpResponseBase:
    """The form: to the new report, or back with what is wrong with it."""
    if request.method != "POST":
        return redirect("reports")
    given = request.POST.dict()
    try:
        report = kept.make(report_form.scope_of(given), report_form.span_of(given), request.actor)
    except Problem as problem:
        messages.error(request, problem.detail)
        return redirect("reports")
    return redirect("report", report.pk)


@page()
def compare(request: PageRequest) -> HttpResponse:
    """`a` is the earlier report, `b` the later one; given the other way round they change places."""
    pair = [kept.get(request.GET.get(name, "")) for name in ("a", "b")]
    before, after = sorted(pair, key=lambda report: (report.window_to, report.made_at))
    found = compared(kept.document_of(before), kept.document_of(after))
    return render(request, "report_compare.html", {"before": before, "after": after, "found": found})
