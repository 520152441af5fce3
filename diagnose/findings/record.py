"""The lifecycle of findings: opened, seen again, folded under a cause, muted, closed after three quiet minutes, and
reopened where the same trouble comes back within a day.

Evaluations of one host are recorded one after the other, under a lock on its row; one that is older than what was
recorded already changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from diagnose.correlate.engine import Evaluation, Judgement
from diagnose.findings import fold, rank, unchecked
from diagnose.findings.describe import detail_of
from diagnose.models.finding import Finding, FindingNote
from diagnose.models.host import Host

QUIET = timedelta(minutes=3)
# A rule that cannot be checked proves nothing at first; after so long without a reading its subject is gone.
GONE = timedelta(minutes=15)

# What comes back within a day was not solved: it is the same finding, with what people wrote about it.
RELAPSE = timedelta(days=1)
_ITSELF = "Diagnose"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Window:
    """The time that was evaluated."""

    start: datetime
    end: datetime


def record(host: Host, evaluation: Evaluation, window: Window) -> list[Finding]:
    """The findings of these judgements, in their order, each subject once."""
    with transaction.atomic():
        Host.objects.select_for_update().get(pk=host.pk)
        # Locked, because people may mute or acknowledge meanwhile.
        found = Finding.objects.select_for_update().filter(host=host, closed_at=None).order_by("id")
        known = {(finding.rule, finding.subject_key): finding for finding in found}
        if any(finding.window_to > window.end for finding in known.values()):
            return []
        seen = {
            index: _see(host, evaluation.judgements[index], known, window)
            for index in _each_subject_once(evaluation.judgements)
        }
        unknown = {each.what for each in evaluation.unknown}
        present = {finding.id for finding in seen.values()}
        for finding in known.values():
            if finding.id not in present:
                _quiet(finding, window, GONE if finding.rule in unknown else QUIET)
        still = {
            finding.id: finding for finding in (*known.values(), *seen.values()) if not finding.closed_at
        }
        unchecked.keep(host, evaluation.unknown, window.end)
        fold.fold(list(still.values()), _told(evaluation.judgements, seen), window.end)
    rank.rank_open()
    return list(seen.values())


def _key(judgement: Judgement) -> Key:
    return judgement.rule, judgement.verdict.subject.key[:500]


def _each_subject_once(judgements: Sequence[Judgement]) -> list[int]:
    """Of several processes behind one subject (workers of one service on one listener) the worst off."""
    worst: dict[Key, int] = {}
    for index, each in enumerate(judgements):
        best = worst.get(_key(each))
        if best is None or _weight(each) > _weight(judgements[best]):
            worst[_key(each)] = index
    return list(worst.values())


def _weight(judgement: Judgement) -> float:
    return judgement.verdict.impact.share * judgement.confidence


def _see(host: Host, judgement: Judgement, known: dict[Key, Finding], window: Window) -> Finding:
    """Open a finding or bring it up to date."""
    rule, subject_key = _key(judgement)
    finding = known.get((rule, subject_key)) or _relapsed(host, rule, subject_key, window)
    if finding is None:
        finding = Finding(host=host, rule=rule, subject_key=subject_key, opened_at=window.end)
    verdict = judgement.verdict
    finding.service = verdict.subject.service[:300]
    finding.headline = verdict.headline
    finding.confidence = judgement.confidence
    finding.impact_share = verdict.impact.share
    # The window moves on; what began before it has begun all the same.
    gap = _longest_gap_seconds(finding, window)
    finding.detail = detail_of(judgement, known_onset=finding.detail.get("onset")) | gap
    finding.last_seen_at = finding.window_to = window.end
    finding.window_from = window.start
    finding.quiet_since = None
    _end_mute(finding, window)
    finding.save()
    return finding


def _longest_gap_seconds(finding: Finding, window: Window) -> dict[str, float]:
    """How long it was not seen at the most, between two times that it was: so long a pause proves no end."""
    known = float(finding.detail.get("longest_gap_seconds", 0.0))
    if finding.quiet_since is not None:
        known = max(known, (window.end - finding.last_seen_at).total_seconds())
    return {"longest_gap_seconds": known} if known else {}


def _relapsed(host: Host, rule: str, subject_key: str, window: Window) -> Finding | None:
    """The last finding of the same trouble, open again, when it was closed not long ago."""
    before = Finding.objects.filter(
        host=host, rule=rule, subject_key=subject_key, closed_at__gte=window.end - RELAPSE
    )
    finding = before.order_by("-closed_at").first()
    if finding is None:
        return None
    quiet = window.end - finding.last_seen_at
    FindingNote.objects.create(
        finding=finding, actor=_ITSELF, kind="reopened", text=f"came back after {quiet.total_seconds():.0f} s"
    )
    finding.episodes = [
        *finding.episodes,
        {"from": finding.since.isoformat(), "to": finding.last_seen_at.isoformat()},
    ]
    finding.state, finding.reopened_at, finding.closed_at = Finding.State.OPEN, window.end, None
    finding.acknowledged_by, finding.acknowledged_at = "", None
    finding.detail.pop("onset", None)
    if finding.verification:
        finding.verification |= {"relapsed_at": window.end.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    return finding


def _end_mute(finding: Finding, window: Window) -> bool:
    """Whether the finding is not, or no longer, muted."""
    if finding.state != Finding.State.MUTED:
        return True
    if finding.muted_until is None or finding.muted_until > window.end:
        return False
    finding.state, finding.muted_until = Finding.State.OPEN, None
    return True


def _told(judgements: Sequence[Judgement], seen: dict[int, Finding]) -> dict[str, Finding]:
    """The cause that the evaluation gives each finding, by the symptom's id."""
    by_key = {_key(judgements[index]): finding for index, finding in seen.items()}
    causes = {finding.id: judgements[index].explained_by for index, finding in seen.items()}
    return {symptom: by_key[_key(judgements[at])] for symptom, at in causes.items() if at is not None}


def _quiet(finding: Finding, window: Window, patience: timedelta) -> None:
    """A muted finding waits for the end of its mute, so that the trouble cannot come back as a new one before."""
    audible = _end_mute(finding, window)
    if finding.quiet_since is None:
        finding.quiet_since = window.end
    if audible and window.end - finding.quiet_since >= patience:
        finding.state, finding.closed_at = Finding.State.RESOLVED, window.end
    finding.save(update_fields=["quiet_since", "state", "muted_until", "closed_at"])
