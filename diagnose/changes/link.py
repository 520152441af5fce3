"""Ties changes to the findings near which they lie: shortly before the trouble began, or while it lasted.

A link says that they are close in time and of the same host or service, not that one made the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from diagnose.models.change import Change, ChangeLink
from diagnose.models.finding import Finding, FindingNote

# Facts are read up to a minute apart (collectors/probes/runtime): a change is up to so much older than it seems.
READ_APART = timedelta(seconds=60)
# What changed longer before the trouble began needs another reason to be its cause.
BEFORE = timedelta(minutes=10)
# A finding rests so long before it is resolved; what helped was seen to change by then.
AFTER = timedelta(minutes=3)
# Changes and findings are tied again while either may still move.
LINKED = timedelta(hours=2)
_ITSELF = "Diagnose"
Relation = ChangeLink.Relation


@dataclass(frozen=True, slots=True)
class Span:
    """When a trouble began, at the earliest and the latest, and when it was last seen."""

    first: datetime
    last: datetime
    seen: datetime


def relation(at: datetime, trouble: Span) -> Relation | None:
    """What a change at that time may be to a trouble; None when it was too early or too late."""
    if trouble.first - BEFORE <= at <= trouble.last + READ_APART:
        return Relation.BEFORE
    if trouble.last < at <= trouble.seen + AFTER:
        return Relation.DURING
    return None


def span_of(finding: Finding) -> Span:
    """From its onset where that was seen, or else from the window in which it was found first."""
    onset = finding.detail.get("onset")
    if onset:
        first, last = (datetime.fromisoformat(onset[end]) for end in ("from", "to"))
        return Span(first, last, finding.last_seen_at)
    found = finding.since
    return Span(found - (finding.window_to - finding.window_from), found, finding.last_seen_at)


def concerns(change: Change, finding: Finding) -> bool:
    """A change of the host concerns all on it; one of a service its own findings, and those of the whole host."""
    same_host = change.host_id in (None, finding.host_id)
    return same_host and (not change.service or finding.service in ("", change.service))


def link(now: datetime | None = None) -> None:
    """Tie what changed lately to the findings that were there lately."""
    since = (now or datetime.now(UTC)) - LINKED
    changes = list(Change.objects.filter(at__gte=since - BEFORE))
    if not changes:
        return
    hosts = {change.host_id for change in changes}
    near = Finding.objects.filter(Q(closed_at=None) | Q(closed_at__gte=since), last_seen_at__gte=since)
    findings = list(near if None in hosts else near.filter(host__in=hosts))
    known = set(ChangeLink.objects.filter(change__in=changes).values_list("change_id", "finding_id"))
    _keep(each for each in _links(changes, findings) if (each.change_id, each.finding_id) not in known)


def _links(changes: Iterable[Change], findings: Iterable[Finding]) -> Iterable[ChangeLink]:
    for finding in findings:
        trouble = span_of(finding)
        for change in changes:
            found = relation(change.at, trouble) if concerns(change, finding) else None
            if found is not None:
                yield ChangeLink(change=change, finding=finding, relation=found)


def _keep(links: Iterable[ChangeLink]) -> None:
    """Each with a line in the history of its finding."""
    for each in links:
        with transaction.atomic():
            _, created = ChangeLink.objects.get_or_create(
                change=each.change, finding=each.finding, defaults={"relation": each.relation}
            )
            if created and each.relation == Relation.DURING:
                FindingNote.objects.create(
                    finding=each.finding, actor=_ITSELF, kind="change detected", text=str(each.change)
                )
