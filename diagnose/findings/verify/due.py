"""Which findings are judged when: soon after the change and until an hour later, each every half minute."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from diagnose.findings.verify.noticed import notice, undone_at
from diagnose.findings.verify.proof import proof
from diagnose.models.finding import Finding, FindingNote

EVERY = timedelta(seconds=30)
# What was not decided by then never will be, without another change.
LONGEST = timedelta(hours=24)
# So long a verdict is looked at again: what helped at first may wear off.
FINAL_AFTER = timedelta(hours=1)
# One task has a time limit; the next goes on.
_AT_ONCE = 20
_ITSELF = "Diagnose"

log = logging.getLogger(__name__)


def verify_due(now: datetime | None = None) -> None:
    """Judge those whose time has come, the longest waiting first."""
    at = now or datetime.now(UTC)
    notice(at)
    waiting = Finding.objects.filter(applied_at__gte=at - LONGEST, applied_at__lt=at).filter(
        Q(verified_at=None) | Q(verified_at__lte=at - EVERY)
    )
    for finding in waiting.select_related("host").order_by("verified_at")[:_AT_ONCE]:
        if not _is_final(finding, at):
            _verify(finding, at)


def _is_final(finding: Finding, at: datetime) -> bool:
    told = finding.verification
    if not told or finding.applied_at is None or told["changed_at"] != _iso(finding.applied_at):
        return False
    return at - finding.applied_at > FINAL_AFTER and told["verdict"] != "not enough data"


def _verify(finding: Finding, at: datetime) -> None:
    """What goes wrong with one must not hold up the others."""
    try:
        judge(finding, at)
    except Exception:  # the task boundary, once for each finding
        log.exception("the change of finding %s cannot be judged", finding.id)
        Finding.objects.filter(pk=finding.pk).update(verified_at=at)


def judge(finding: Finding, at: datetime) -> None:
    """Compare, keep the verdict, and note it in the history where it is another than before."""
    before = finding.verification or {}
    told = proof(finding, at)
    undone = undone_at(finding)
    if undone is not None:
        told |= {
            "verdict": "undone",
            "reason": f"the value was set back at {undone:%H:%M:%S} UTC: does configuration management hold it?",
            "ready_at": None,
        }
    same_change = before.get("changed_at") == told["changed_at"]
    told["relapsed_at"] = before.get("relapsed_at") if same_change else None
    Finding.objects.filter(pk=finding.pk).update(verification=told, verified_at=at)
    finding.verification = told
    if told["verdict"] not in ("not enough data", before.get("verdict") if same_change else None):
        FindingNote.objects.create(
            finding=finding, actor=_ITSELF, kind=told["verdict"], text=f"{told['reason']}"
        )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
