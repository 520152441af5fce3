"""Which trouble comes first: root causes by what they cost, times how sure we are."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from diagnose.models.finding import Finding


def weight(finding: Finding) -> float:
    """Share of user time or requests lost × confidence."""
    return finding.impact_share * finding.confidence


def _order(finding: Finding) -> tuple[bool, float, datetime, str]:
    """What is seen now comes before what went quiet and may be over."""
    return finding.quiet_since is not None, -weight(finding), finding.opened_at, finding.id


def rank_open() -> None:
    """Number the open root causes of all hosts from 1, the worst; everything else has rank 0."""
    with transaction.atomic():
        # Locked in one order everywhere, so that two hosts' evaluations cannot wait for each other.
        ranked = list(Finding.objects.select_for_update().exclude(rank=0, state__in=_UNRANKED).order_by("id"))
        roots = [each for each in ranked if each.state == Finding.State.OPEN and each.explained_by_id is None]
        roots.sort(key=_order)
        places = {finding.id: place for place, finding in enumerate(roots, start=1)}
        for finding in ranked:
            place = places.get(finding.id, 0)
            if finding.rank != place:
                Finding.objects.filter(pk=finding.pk).update(rank=place)


_UNRANKED = (Finding.State.RESOLVED, Finding.State.MUTED)
