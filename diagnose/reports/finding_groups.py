"""Findings as people should meet them: each root cause with its symptoms folded under it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# A finding in the API's form.
Described = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """`symptoms` are all that the root explains, directly or through another symptom, worst first."""

    root: Described
    symptoms: list[Described]


def fold(findings: Sequence[Described]) -> list[Group]:
    """In the order given. A symptom whose cause is not among the findings stands for itself."""
    by_id = {finding["id"]: finding for finding in findings}
    under: dict[str, list[Described]] = defaultdict(list)
    for finding in findings:
        root = _root_of(finding, by_id)
        if root is not finding:
            under[root["id"]].append(finding)
    folded = {symptom["id"] for symptoms in under.values() for symptom in symptoms}
    return [Group(each, under[each["id"]]) for each in findings if each["id"] not in folded]


def _root_of(finding: Described, by_id: dict[str, Described]) -> Described:
    """Up the chain of causes; a chain that bites its tail ends where it would repeat."""
    seen = {finding["id"]}
    while (cause := finding["explained_by"]) in by_id and cause not in seen:
        seen.add(cause)
        finding = by_id[cause]
    return finding if finding["explained_by"] not in seen else by_id[min(seen)]


def roots_by_host(groups: Sequence[Group]) -> Counter[str]:
    """How many root causes each host has, by the host's name."""
    return Counter(group.root["subject"]["host"] for group in groups)
