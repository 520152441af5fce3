"""A report's title and its summary: what somebody reads who reads nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.diagnosis.document import Scope, Span
from diagnose.reports.finding_groups import Described, Group

_WORST = 3


def title(scope: Scope, span: Span) -> str:
    """What it is about, and when."""
    return f"{subject(scope)}, {when(span)}"


def subject(scope: Scope) -> str:
    """Named as people would."""
    if scope.kind == "fleet":
        return "All hosts"
    where = f" on {scope.host}" if scope.kind == "service" and scope.host else ""
    return scope.host if scope.kind == "host" else f"{scope.service}{where}"


def when(span: Span) -> str:
    """`25 Nov 2026 08:00 – 09:00 UTC`; the second day only when it is another one."""
    same_day = span.start.date() == span.end.date()
    end = f"{span.end:%H:%M}" if same_day else f"{span.end:%-d %b %Y %H:%M}"
    return f"{span.start:%-d %b %Y %H:%M} – {end} UTC"


def summary(groups: Sequence[Group], scope: Scope, span: Span) -> list[str]:
    """Sentences, the one that matters most first."""
    if not groups:
        return [
            f"Nothing was found wrong with {_of(scope)} from {when(span)}. "
            "What could not be checked is listed under the hosts."
        ]
    still = [group for group in groups if group.root["state"] == "open"]
    over = [group for group in groups if group.root["state"] == "resolved"]
    return [*_worst(groups), _counts(groups, still, over), *_advice(groups)]


def _of(scope: Scope) -> str:
    return "any host" if scope.kind == "fleet" else subject(scope)


def _worst(groups: Sequence[Group]) -> list[str]:
    return [f"{_headline(group.root)}." for group in sorted(groups, key=_weight)[:_WORST]]


def _weight(group: Group) -> float:
    return -float(group.root["impact"]["share"] * group.root["confidence"])


def _headline(finding: Described) -> str:
    text: str = finding["headline"].rstrip(".")
    return text


def _counts(groups: Sequence[Group], still: Sequence[Group], over: Sequence[Group]) -> str:
    symptoms = sum(len(group.symptoms) for group in groups)
    causes = _count(len(groups), "root cause")
    explained = f" with {_count(symptoms, 'symptom')}" if symptoms else ""
    return f"{causes}{explained} in this window: {len(still)} still there, {len(over)} over."


def _advice(groups: Sequence[Group]) -> list[str]:
    followed = sum(1 for group in groups if group.root["applied_at"])
    with_advice = sum(1 for group in groups if group.root["recommendations"])
    if not with_advice:
        return []
    did = f"; {followed} of them was said to be applied" if followed else "; none was applied so far"
    return [f"{_count(with_advice, 'cause')} with a change to make{did}."]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
