"""One report: its page, its files, and the link that opens it to people who cannot sign in."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from django.contrib import messages
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from diagnose.access.pages import PageRequest, page
from diagnose.access.problems import Problem
from diagnose.access.roles import at_least
from diagnose.models import Report
from diagnose.models.access import Role
from diagnose.reports.diagnosis import kept
from diagnose.reports.export import report_markdown

DAYS = (1, 7, 30)
_STYLES = ("css/tokens.css", "css/report.css")
# A file that is opened elsewhere: nothing may run in it, and nothing is fetched.
_ALONE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


@page()
def report(request: PageRequest, report_id: str) -> HttpResponse:
    return _shown(request, kept.get(report_id))


@page()
def file(request: PageRequest, report_id: str, form: str) -> HttpResponse:
    """As `html` (one file that needs nothing else), `md` or `json`."""
    found = kept.get(report_id)
    if form == "md":
        link = request.build_absolute_uri(reverse("report", args=[found.pk]))
        body: str | bytes = report_markdown.export(kept.document_of(found), link)
        answer = HttpResponse(body, content_type=report_markdown.CONTENT_TYPE)
    elif form == "json":
        answer = HttpResponse(msgspec.json.encode(found.document), content_type="application/json")
    elif form == "html":
        answer = _alone(found)
    else:
        raise Http404(f"{form!r} is no form of a report: use html, md or json")
    answer["Content-Disposition"] = f'attachment; filename="report-{found.pk}.{form}"'
    return answer


@never_cache
def shared(request: HttpRequest, secret: str) -> HttpResponse:
    """What a link opens: the report alone. The guard is the link's own secret, which expires."""
    try:
        found, until = kept.shared(secret)
    except Problem as problem:
        return render(request, "report_closed.html", {"reason": problem.detail}, status=problem.status)
    answer = _alone(found, shared_until=until)
    answer["Referrer-Policy"] = "no-referrer"
    return answer


@require_POST
@page(Role.OPERATOR)
def share(request: PageRequest, report_id: str) -> HttpResponse:
    """The page with a new link, this once: its secret is in no address, no session and no cache."""
    found = kept.get(report_id)
    given = request.POST.get("days", "")
    days = int(given) if given in map(str, DAYS) else DAYS[0]
    secret = kept.share(found, request.actor, timedelta(days=days))
    link = request.build_absolute_uri(reverse("report-shared", args=[secret]))
    answer = _shown(request, found, link=link, days=days)
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@page(Role.OPERATOR)
def unshare(request: PageRequest, report_id: str) -> HttpResponseBase:
    closed = kept.unshare(kept.get(report_id), request.actor)
    messages.success(
        request, f"{closed} link{'' if closed == 1 else 's'} to this report will not open any more."
    )
    return redirect("report", report_id)


@require_POST
@page(Role.OPERATOR)
def delete(request: PageRequest, report_id: str) -> HttpResponseBase:
    found = kept.get(report_id)
    kept.delete(found, request.actor)
    messages.success(request, f"The report “{found.title}” was deleted.")
    return redirect("reports")


def _shown(request: PageRequest, found: Report, **more: Any) -> HttpResponse:
    context = {
        "report": found,
        "document": kept.document_of(found),
        "linked": True,
        "links": kept.links(found),
        "days_choices": DAYS,
        "may_act": at_least(request.actor.role, Role.OPERATOR),
        **more,
    }
    return render(request, "report.html", context)


def _alone(found: Report, **more: Any) -> HttpResponse:
    """The report as one file, its style within."""
    context = {"document": kept.document_of(found), "style": _style(), **more}
    answer = HttpResponse(render_to_string("report_file.html", context))
    answer["Content-Security-Policy"] = _ALONE
    return answer


def _style() -> SafeString:
    """The product's own style sheets; nothing of a user's is in them."""
    return SafeString("\n".join(_sheet(name) for name in _STYLES))


def _sheet(name: str) -> str:
    path = finders.find(name)
    if not isinstance(path, str):
        raise FileNotFoundError(f"static file {name} is missing: the installation is not complete")
    return Path(path).read_text()
