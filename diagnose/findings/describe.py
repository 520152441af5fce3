"""A finding in the form of the public API, and the part of it that is kept as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from diagnose.correlate.engine import Judgement
from diagnose.correlate.onset import Onset
from diagnose.correlate.rule import Evidence, Verdict
from diagnose.findings.advice import api as advice
from diagnose.models.change import ChangeLink
from diagnose.models.finding import Finding


def detail_of(judgement: Judgement, known_onset: dict[str, Any] | None = None) -> dict[str, Any]:
    """What `Finding.detail` keeps of a verdict; an onset that was seen earlier stays."""
    verdict = judgement.verdict
    return {
        "calibrated": judgement.calibrated,
        "forecast": verdict.forecast,
        "explains": list(verdict.explains),
        "onset": known_onset or _onset(judgement.onset),
        "subject": _subject(verdict),
        "impact": {
            "share": verdict.impact.share,
            "value": verdict.impact.value,
            "unit": verdict.impact.unit,
            "text": verdict.impact.text,
        },
        "evidence": [_evidence(line) for line in verdict.evidence],
        "ruled_out": [{"rule": each.rule, "reason": each.reason} for each in verdict.ruled_out],
        "unknown": [{"what": each.what, "why": each.why} for each in verdict.unknown],
        "recommendations": [advice.as_json(each) for each in verdict.recommendations],
        "will_not_help": [{"action": each.action, "reason": each.reason} for each in verdict.will_not_help],
    }


def _onset(began: Onset | None) -> dict[str, Any] | None:
    if began is None:
        return None
    times = {"at": began.at_ns, "from": began.first_ns, "to": began.last_ns}
    return {name: _time(datetime.fromtimestamp(ns / 1e9, UTC)) for name, ns in times.items()}


def _subject(verdict: Verdict) -> dict[str, Any]:
    subject = verdict.subject
    given = {
        "service": subject.service,
        "pid": subject.pid,
        "listener": subject.listener,
        "netns": subject.netns,
        "destination": subject.destination,
        "cgroup": subject.cgroup,
        "cpu": subject.cpu,
        "device": subject.device,
    }
    return {name: value for name, value in given.items() if value not in (None, "")}


def _evidence(line: Evidence) -> dict[str, Any]:
    """`labels` and `profile` say what shows it; `as_json` makes the link of them."""
    return {
        "kind": line.kind,
        "role": line.role,
        "text": line.text,
        "metric": line.metric or None,
        "value": line.value,
        "unit": line.unit or None,
        "threshold": line.threshold,
        "source": line.source or None,
        "labels": dict(line.labels),
        "profile": line.profile or None,
    }


def as_json(finding: Finding) -> dict[str, Any]:
    """The finding with times in ISO 8601 UTC. Prefetch `explains`, `change_links__change` and `host` for lists."""
    detail = finding.detail
    return {
        "id": finding.id,
        "rule": finding.rule,
        "state": finding.state,
        "rank": finding.rank,
        "headline": finding.headline,
        "subject": {"host": finding.host.name, "host_id": finding.host_id, **detail["subject"]},
        "opened_at": _time(finding.opened_at),
        "since": _time(finding.since),
        "episodes": finding.episodes,
        "last_seen_at": _time(finding.last_seen_at),
        "closed_at": _time(finding.closed_at),
        "onset": detail.get("onset"),
        "window": {"from": _time(finding.window_from), "to": _time(finding.window_to)},
        "confidence": round(finding.confidence, 3),
        "calibrated": detail["calibrated"],
        "forecast": detail.get("forecast", False),
        "impact": detail["impact"],
        "evidence": [{**line, "chart": _chart(line, finding)} for line in detail["evidence"]],
        "explains": sorted(symptom.id for symptom in finding.explains.all()),
        "explained_by": finding.explained_by_id,
        "ruled_out": detail["ruled_out"],
        "unknown": detail["unknown"],
        "recommendations": detail["recommendations"],
        "will_not_help": detail["will_not_help"],
        "changes": [_change(link) for link in finding.change_links.all()],
        "verification": finding.verification,
        "acknowledged_by": finding.acknowledged_by or None,
        "acknowledged_at": _time(finding.acknowledged_at),
        "applied_at": _time(finding.applied_at),
        "muted_until": _time(finding.muted_until),
        "url": f"/findings/{finding.id}",
    }


def _change(link: ChangeLink) -> dict[str, Any]:
    change = link.change
    return {
        "id": change.id,
        "relation": link.relation,
        "kind": change.kind,
        "service": change.service or None,
        "name": change.name,
        "before": change.before,
        "after": change.after,
        "at": _time(change.at),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _chart(line: dict[str, Any], finding: Finding) -> str | None:
    """The page that shows this reading in its window: a flame graph for samples, the host's charts otherwise."""
    window = {"from": int(finding.window_from.timestamp()), "to": int(finding.window_to.timestamp()) + 1}
    if line["profile"]:
        where = {"host": finding.host_id, "service": finding.service, "type": line["profile"]}
        return f"/profile?{urlencode(where | window)}"
    if line["metric"]:
        return f"/hosts/{finding.host_id}?{urlencode(window)}"
    return None
