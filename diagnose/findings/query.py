"""How pages and the API ask for findings."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Literal, get_args

from django.db.models import Case, Count, F, FloatField, IntegerField, Q, QuerySet, Value, When

from diagnose.access.problems import Problem
from diagnose.models.finding import Finding
from diagnose.models.host import Host

State = Literal["open", "resolved", "muted", "all"]


def list_findings(
    state: str = "open",
    host: Host | None = None,
    service: str | None = None,
    rule: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Finding]:
    """Best first: open root causes by rank, then open symptoms, then the rest, the latest first.

    `since` and `until` keep findings that were there at some time between them. Raises Problem 422 for a state
    that does not exist.
    """
    found = _in_state(state)
    for field, value in (("host", host), ("service", service), ("rule", rule)):
        if value is not None:
            found = found.filter(**{field: value})
    if since is not None:
        found = found.filter(Q(closed_at=None) | Q(closed_at__gte=since), last_seen_at__gte=since)
    if until is not None:
        found = found.filter(opened_at__lte=until)
    together = _best_first(found).select_related("host", "explained_by")
    return together.prefetch_related("explains", "change_links__change")


def open_roots_by_host() -> Counter[int]:
    """How many open findings that no other explains each host has; one query."""
    found = Finding.objects.filter(state=Finding.State.OPEN, explained_by=None).values_list("host_id")
    return Counter(dict(found.annotate(n=Count("id")).order_by()))


def get(finding_id: str) -> Finding:
    """Raises Problem 404."""
    finding = (
        Finding.objects.select_related("host", "explained_by")
        .prefetch_related("explains", "notes", "change_links__change")
        .filter(pk=finding_id)
        .first()
    )
    if finding is None:
        raise Problem(
            404, "No such finding", f"There is no finding {finding_id!r}; it may be past its retention."
        )
    return finding


def _in_state(state: str) -> QuerySet[Finding]:
    if state not in get_args(State):
        known = ", ".join(get_args(State))
        detail = f"state={state!r} is not known: use one of {known}."
        raise Problem(422, "Unknown state", detail, errors={"state": f"one of {known}"})
    return Finding.objects.all() if state == "all" else Finding.objects.filter(state=state)


def _best_first(found: QuerySet[Finding]) -> QuerySet[Finding]:
    group = Case(
        When(state=Finding.State.OPEN, explained_by=None, then=Value(0)),
        When(state=Finding.State.OPEN, then=Value(1)),
        When(state=Finding.State.MUTED, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    weight = Case(
        When(closed_at=None, then=F("impact_share") * F("confidence")),
        default=Value(0.0),
        output_field=FloatField(),
    )
    return found.alias(group=group, weight=weight).order_by("group", "rank", "-weight", "-last_seen_at", "id")
