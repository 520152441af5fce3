"""How pages, the API and the proof of an effect ask for changes."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from diagnose.access.problems import Problem
from diagnose.models.change import Change, ChangeLink
from diagnose.models.finding import Finding

KINDS = tuple(Change.Kind.values)


def list_changes(
    host_id: int | None = None,
    service: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Change]:
    """The latest first; of a host also what was declared for all, of a service also what changed on the whole host."""
    found = Change.objects.all()
    if host_id is not None:
        found = found.filter(Q(host=host_id) | Q(host=None))
    if service is not None:
        found = found.filter(service__in=("", service))
    if kind is not None:
        found = found.filter(kind=kind)
    if since is not None:
        found = found.filter(at__gte=since)
    if until is not None:
        found = found.filter(at__lt=until)
    return found.order_by("-at", "-id").select_related("host").prefetch_related("links__finding")


def get(change_id: str) -> Change:
    """Raises Problem 404."""
    found = list_changes().filter(pk=change_id).first()
    if found is None:
        detail = f"There is no change {change_id!r}: GET /api/v1/changes lists them."
        raise Problem(404, "No such change", detail)
    return found


def of_finding(finding: Finding) -> list[ChangeLink]:
    """The changes close to a finding, oldest first."""
    links = ChangeLink.objects.filter(finding=finding).select_related("change", "change__host")
    return list(links.order_by("change__at", "id"))
