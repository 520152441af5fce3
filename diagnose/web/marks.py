"""What is marked on every chart of a page: the times of findings, and the moments when something changed."""

from __future__ import annotations

from collections.abc import Iterable

from diagnose.models import Change, Finding
from diagnose.reports.charts.figure import Band, Mark
from diagnose.store.facts import EventRow

_LONGEST = 60


def band_of(finding: Finding) -> Band:
    """From its opening, or its coming back, to when it was last seen, under the rank that its card on the page has."""
    start, end = (int(at.timestamp() * 1e9) for at in (finding.since, finding.last_seen_at))
    return Band(start, end, str(finding.rank or ""))


def bands_of(findings: Iterable[Finding]) -> list[Band]:
    """Of root causes: a symptom has the time of its cause."""
    return [band_of(finding) for finding in findings if finding.explained_by_id is None]


def marks_of(changes: Iterable[Change], events: Iterable[EventRow] = ()) -> list[Mark]:
    found = [Mark(int(each.at.timestamp() * 1e9), _change(each)) for each in changes]
    return found + [Mark(int(each.at.timestamp() * 1e9), _words(each)) for each in events]


def _change(change: Change) -> str:
    told = (
        f"{_short(change.before)} → {_short(change.after)}" if change.before or change.after else change.text
    )
    return f"{change.name or change.kind}: {_short(told)}" if told else change.name or change.kind


def _words(event: EventRow) -> str:
    told = ", ".join(f"{name} {_short(value)}" for name, value in sorted(event.fields.items()))
    return f"{event.kind}: {told}" if told else event.kind


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
