"""How often each rule found something, and what people said of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from diagnose.models.finding import Finding, FindingNote


@dataclass(frozen=True, slots=True)
class Fired:
    """Findings of a time by state, and how many people called right and wrong."""

    open: int = 0
    all: int = 0
    right: int = 0
    wrong: int = 0


def by_rule(since: datetime) -> dict[str, Fired]:
    """Of findings that were seen since then; rules that found nothing are absent."""
    seen = Finding.objects.filter(last_seen_at__gte=since).values_list("rule").order_by()
    found = seen.annotate(every=Count("id"), still=Count("id", filter=Q(closed_at=None)))
    notes = FindingNote.objects.filter(kind="feedback", at__gte=since).values_list("finding__rule").order_by()
    counted = notes.annotate(
        right=Count("id", filter=Q(text__startswith="right")),
        wrong=Count("id", filter=Q(text__startswith="wrong")),
    )
    said = {rule: (right, wrong) for rule, right, wrong in counted}
    return {rule: Fired(still, every, *said.get(rule, (0, 0))) for rule, every, still in found}
