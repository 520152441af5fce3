"""Open findings of one host folded under their causes, whichever of them was opened or seen first.

An evaluation links what it shows at one moment; readings near a threshold come and go, so a cause and its symptom may
show in turns. Two open findings of one process are folded all the same, for as long as both are open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from diagnose.models.finding import Finding

# A cause that is not seen any more keeps its symptoms as long as it takes to resolve it.
CAUSE_LINGERS = timedelta(minutes=3)


def fold(found: Sequence[Finding], told: Mapping[str, Finding], now: datetime) -> None:
    """Set and save the cause of each finding. `told`: what the evaluation says, by the symptom's id."""
    before = {finding.id: finding.explained_by_id for finding in found}
    by_id = {finding.id: finding for finding in found}
    for finding in found:
        kept = _kept(finding, by_id.get(finding.explained_by_id or ""), now)
        finding.explained_by = told.get(finding.id) or _nearest(finding, found, now) or kept
    for finding in found:
        if finding.explained_by_id != before[finding.id]:
            finding.save(update_fields=["explained_by"])
    _raise_impacts(found)


def _kept(finding: Finding, cause: Finding | None, now: datetime) -> Finding | None:
    """Not once the process was restarted: the new one's trouble may have another cause."""
    if cause is None or not _there(cause, now):
        return None
    pids = {_pid(finding), _pid(cause)} - {None}
    return cause if len(pids) <= 1 else None


def _nearest(finding: Finding, found: Sequence[Finding], now: datetime) -> Finding | None:
    """Of causes in the same process the one that the others explain, if any does."""
    causes = [each for each in found if _explains(each, finding) and _there(each, now)]
    return max(
        causes,
        key=lambda cause: (sum(_explains(other, cause) for other in causes), cause.confidence),
        default=None,
    )


def _there(cause: Finding, now: datetime) -> bool:
    return now - cause.last_seen_at < CAUSE_LINGERS


def _explains(cause: Finding, symptom: Finding) -> bool:
    same = _pid(cause) is not None and _pid(cause) == _pid(symptom)
    return same and symptom.rule in cause.detail.get("explains", ())


def _pid(finding: Finding) -> int | None:
    pid: int | None = finding.detail["subject"].get("pid")
    return pid


def _raise_impacts(found: Sequence[Finding]) -> None:
    """A cause costs at least what each of its symptoms costs, along the whole chain."""
    by_id = {finding.id: finding for finding in found}
    for finding in found:
        passed = {finding.id}
        cause = by_id.get(finding.explained_by_id or "")
        while cause is not None and cause.id not in passed:
            passed.add(cause.id)
            _raise_impact(cause, finding.impact_share)
            cause = by_id.get(cause.explained_by_id or "")


def _raise_impact(cause: Finding, share: float) -> None:
    if cause.impact_share < share:
        cause.impact_share = share
        cause.detail = cause.detail | {"impact": cause.detail["impact"] | {"share": share}}
        cause.save(update_fields=["impact_share", "detail"])
