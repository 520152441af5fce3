"""Two reports beside each other: which causes are new in the later one, gone from it, or worse in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diagnose.reports.diagnosis.document import Document, Function

# Shares of all users' time or requests; smaller differences are noise of the same trouble.
_WORSE = 0.05
# of a service's samples
_DEARER = 0.03
Finding = dict[str, Any]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """One cause in both."""

    before: Finding
    after: Finding


@dataclass(frozen=True, slots=True)
class Shift:
    """A function whose own share of its service changed; 0 where it is not among the dearest."""

    function: Function
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Each list as the reports have it, worst first."""

    new: list[Finding]
    gone: list[Finding]
    worse: list[Pair]
    better: list[Pair]
    same: list[Pair]
    functions: list[Shift]


def compare(before: Document, after: Document) -> Comparison:
    """Causes are the same when rule, host and what they are about are."""
    old, new = _by_key(before), _by_key(after)
    both = [Pair(old[key], new[key]) for key in new if key in old]
    return Comparison(
        new=[new[key] for key in new if key not in old],
        gone=[old[key] for key in old if key not in new],
        worse=[pair for pair in both if _change(pair) > _WORSE],
        better=[pair for pair in both if _change(pair) < -_WORSE],
        same=[pair for pair in both if abs(_change(pair)) <= _WORSE],
        functions=_shifts(before, after),
    )


def _by_key(document: Document) -> dict[Key, Finding]:
    return {_key(cause.finding): cause.finding for cause in document.causes}


def _key(finding: Finding) -> Key:
    """A process that was started again is the same subject, so its number does not count."""
    subject: Mapping[str, Any] = finding["subject"]
    where = (str(subject.get(part, "")) for part in ("host", "service", "listener", "destination", "cgroup"))
    return (finding["rule"], *where)


def _change(pair: Pair) -> float:
    share: float = pair.after["impact"]["share"] - pair.before["impact"]["share"]
    return share


def _shifts(before: Document, after: Document) -> list[Shift]:
    old = {(each.service, each.name, each.file): each for each in before.functions}
    new = {(each.service, each.name, each.file): each for each in after.functions}
    shared = {each.service for each in before.functions} & {each.service for each in after.functions}
    found = [
        Shift(
            new.get(key) or old[key],
            old[key].self_share if key in old else 0.0,
            new[key].self_share if key in new else 0.0,
        )
        for key in {**old, **new}
        if key[0] in shared
    ]
    moved = (each for each in found if abs(each.after - each.before) >= _DEARER)
    return sorted(moved, key=lambda each: each.before - each.after)
