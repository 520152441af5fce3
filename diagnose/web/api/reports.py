"""`/reports`: diagnosis reports that were made, and new ones."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from diagnose.access import bodies
from diagnose.access.endpoints import ApiRequest, by_method, endpoint
from diagnose.models import Report
from diagnose.models.access import Role
from diagnose.reports.diagnosis import kept
from diagnose.reports.diagnosis.document import Document, Scope
from diagnose.reports.export import report_markdown
from diagnose.web import report_form
from diagnose.web.api import paging, query, report_answers, scope
from diagnose.web.api.describe import as_json, described

_FORMAT = query.choice("format", "The answer's format.", ("json", "markdown"), "json")


@endpoint("GET", role=Role.VIEWER)
@described(answer=report_answers.ReportList, query=(query.LIMIT, query.AFTER))
def list_reports(request: ApiRequest) -> report_answers.ReportList:
    """List reports, newest first."""
    shown, following = paging.page_of(request, kept.every())
    return report_answers.ReportList([_row(each) for each in shown], following)


@endpoint("POST", role=Role.OPERATOR)
@described(answer=report_answers.Report, status=201, body=report_answers.NewReport)
def make_report(request: ApiRequest) -> HttpResponse:
    """Make a report on all hosts, one host, a service, or a service on a host."""
    given = bodies.decode(request, report_answers.NewReport)
    span = report_form.span_of({"from": given.start, "to": given.end})
    return as_json(_row(kept.make(_scope(given), span, request.actor)), 201)


@endpoint("GET", role=Role.VIEWER)
@described(answer=Document, query=(_FORMAT,), other_types=(report_markdown.CONTENT_TYPE,))
def report(request: ApiRequest, report_id: str) -> HttpResponse:
    """One report, as it was made. `format=markdown` answers text without its pictures."""
    shape, found = _FORMAT.of(request), kept.get(report_id)
    document = kept.document_of(found)
    if shape == "markdown":
        text = report_markdown.export(document, request.build_absolute_uri(f"/reports/{found.pk}"))
        return HttpResponse(text, content_type=report_markdown.CONTENT_TYPE)
    return as_json(document)


@endpoint("DELETE", role=Role.OPERATOR)
@described(status=204)
def delete_report(request: ApiRequest, report_id: str) -> HttpResponse:
    """Delete a report for good; its links open nothing any more."""
    kept.delete(kept.get(report_id), request.actor)
    return HttpResponse(status=204)


def _scope(given: report_answers.NewReport) -> Scope:
    host = scope.host_named(str(given.host), "host") if given.host else None
    where: dict[str, Any] = {} if host is None else {"host_id": host.pk, "host": host.name}
    if given.service:
        return Scope("service", service=given.service, **where)
    return Scope("host" if host else "fleet", **where)


def _row(found: Report) -> report_answers.Report:
    return report_answers.Report(
        id=found.pk,
        title=found.title,
        host=found.host.name if found.host else None,
        service=found.service or None,
        window_from=found.window_from,
        window_to=found.window_to,
        made_at=found.made_at,
        made_by=found.made_by,
        weekly=found.weekly,
        causes=found.causes,
        url=f"/reports/{found.pk}",
    )


reports = by_method(GET=list_reports, POST=make_report)
one_report = by_method(GET=report, DELETE=delete_report)
