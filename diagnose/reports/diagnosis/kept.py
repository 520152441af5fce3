"""Reports that were made: kept as they were, listed, and shared by a link that expires."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from diagnose.access import audit, tokens
from diagnose.access.actor import Actor
from diagnose.access.problems import Problem
from diagnose.models import Report, Token
from diagnose.reports.diagnosis.assemble import assemble
from diagnose.reports.diagnosis.document import Document, Scope, Span, as_plain, of_plain

LONGEST = timedelta(days=31)
# Then the oldest goes: a report is some 100 kB.
MOST_KEPT = 500
_SCOPE = "report:"


def make(scope: Scope, span: Span, by: Actor | str, *, weekly: bool = False) -> Report:
    """A new report. Raises Problem 422 for a span that is empty or too long."""
    _check(span)
    name = by if isinstance(by, str) else by.name
    document = assemble(scope, span, name, timezone.now())
    report = Report.objects.create(
        title=document.title,
        host_id=scope.host_id,
        service=scope.service,
        window_from=span.start,
        window_to=span.end,
        made_by=name,
        weekly=weekly,
        causes=len(document.causes),
        document=as_plain(document),
    )
    audit.record(by, "make report", report.id, title=report.title)
    _forget_oldest()
    return report


def _check(span: Span) -> None:
    if not timedelta() < span.end - span.start <= LONGEST:
        given = f"from={span.start:%Y-%m-%dT%H:%M:%SZ} to={span.end:%Y-%m-%dT%H:%M:%SZ}"
        detail = f"{given}: a report covers up to {LONGEST.days} days, and its start is before its end."
        raise Problem(422, "Not a window", detail, errors={"from": "before `to`", "to": "after `from`"})


def _forget_oldest() -> None:
    kept = Report.objects.order_by("-made_at").values_list("pk", flat=True)[:MOST_KEPT]
    Report.objects.exclude(pk__in=list(kept)).delete()


def every() -> QuerySet[Report]:
    """The newest first, without their documents."""
    return Report.objects.select_related("host").defer("document")


def get(report_id: str) -> Report:
    """Raises Problem 404."""
    report = Report.objects.filter(pk=report_id).first()
    if report is None:
        raise Problem(404, "No such report", f"There is no report {report_id!r}; it may have been deleted.")
    return report


def document_of(report: Report) -> Document:
    """What it holds."""
    return of_plain(report.document)


def delete(report: Report, by: Actor) -> None:
    """For good, with its links."""
    audit.record(by, "delete report", report.id, title=report.title)
    for token in links(report):
        tokens.revoke(token)
    report.delete()


def share(report: Report, by: Actor, lifetime: timedelta) -> str:
    """The secret of a link to this report alone, for people who cannot sign in."""
    secret = tokens.issue(
        Token.Kind.SHARE, label=f"report by {by.name}", scopes=[_SCOPE + report.id], lifetime=lifetime
    )
    audit.record(by, "share report", report.id, days=lifetime.total_seconds() / 86_400)
    return secret


def links(report: Report) -> list[Token]:
    """Links that still open it, the newest first."""
    live = Token.objects.filter(kind=Token.Kind.SHARE, revoked_at=None, expires_at__gt=timezone.now())
    return [token for token in live.order_by("-created_at") if token.scopes == [_SCOPE + report.id]]


def unshare(report: Report, by: Actor) -> int:
    """Close all its links; how many there were."""
    open_links = links(report)
    for token in open_links:
        tokens.revoke(token)
    audit.record(by, "unshare report", report.id, links=len(open_links))
    return len(open_links)


def shared(secret: str) -> tuple[Report, datetime]:
    """The report of a link, and until when it opens. Raises Problem 401 for a link that does not count."""
    token = tokens.authenticate(secret)
    scope = token.scopes[0] if token.kind == Token.Kind.SHARE and token.scopes else ""
    report = (
        Report.objects.filter(pk=scope.removeprefix(_SCOPE)).first() if scope.startswith(_SCOPE) else None
    )
    if report is None or token.expires_at is None:
        raise tokens.refused("This link opens no report; ask for a new one.")
    return report, token.expires_at
