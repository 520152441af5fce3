"""What people do about a finding. Each is noted in its history and in the audit log, with who and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction

from diagnose.access import audit
from diagnose.access.actor import Actor
from diagnose.access.problems import Problem
from diagnose.findings import rank
from diagnose.models.finding import Finding, FindingNote

LONGEST_MUTE = timedelta(days=90)
LONGEST_TEXT = 5000


def acknowledge(finding: Finding, actor: Actor, note: str = "") -> Finding:
    """Somebody looks after it."""
    return _act(finding, actor, "acknowledge", note, acknowledged_by=actor.name[:200], acknowledged_at=_now())


def mute(finding: Finding, actor: Actor, *, seconds: float, reason: str = "") -> Finding:
    """Hide it for a time; it stays muted until then, even when it goes and comes back."""
    if not 0 < seconds <= LONGEST_MUTE.total_seconds():
        limit = f"more than 0 and at most {LONGEST_MUTE.days} days, in seconds"
        raise Problem(422, "Bad duration", f"seconds={seconds!r}: use {limit}.", errors={"seconds": limit})
    if finding.closed_at is not None:
        raise Problem(409, "Already resolved", f"Finding {finding.id} is resolved: there is nothing to mute.")
    until = _now() + timedelta(seconds=seconds)
    text = f"until {until:%Y-%m-%d %H:%M} UTC{f': {reason}' if reason else ''}"
    return _act(finding, actor, "mute", text, state=Finding.State.MUTED, muted_until=until)


def unmute(finding: Finding, actor: Actor, note: str = "") -> Finding:
    """Show it again before the time is over."""
    if finding.state != Finding.State.MUTED:
        raise Problem(409, "Not muted", f"Finding {finding.id} is {finding.state}, not muted.")
    return _act(finding, actor, "unmute", note, state=Finding.State.OPEN, muted_until=None)


def applied(finding: Finding, actor: Actor, note: str = "") -> Finding:
    """A recommendation was followed; before and after are told apart at this moment."""
    return _act(finding, actor, "applied", note, applied_at=_now(), verification=None, verified_at=None)


def feedback(finding: Finding, actor: Actor, *, right: bool, text: str = "") -> Finding:
    """Whether the finding was right: what calibration learns from."""
    return _act(finding, actor, "feedback", f"{'right' if right else 'wrong'}{f': {text}' if text else ''}")


def _now() -> datetime:
    return datetime.now(UTC)


def _act(finding: Finding, actor: Actor, kind: str, text: str, **fields: object) -> Finding:
    """One transaction. Only the named columns are written: an evaluation may update the others meanwhile."""
    if len(text) > LONGEST_TEXT:
        raise Problem(
            422,
            "Text too long",
            f"{len(text)} characters: use at most {LONGEST_TEXT}.",
            errors={"text": "shorter"},
        )
    with transaction.atomic():
        if fields:
            Finding.objects.filter(pk=finding.pk).update(**fields)
        FindingNote.objects.create(finding=finding, actor=actor.name[:200], kind=kind, text=text)
        audit.record(actor, f"{kind} finding", finding.id, rule=finding.rule, text=text)
    if "state" in fields:
        rank.rank_open()
    finding.refresh_from_db()
    return finding
