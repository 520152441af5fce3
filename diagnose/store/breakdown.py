"""A service's samples by what they were taken of: threads, hosts, or the values of a label such as the pid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from diagnose.models import Service
from diagnose.store import backend, labelsets, profiles
from diagnose.store.profiles import Merged, Selector, filter_of
from diagnose.store.trie import trie_of

# Each value of a label is added up by itself.
MOST_VALUES = 50


@dataclass(frozen=True, slots=True)
class Label:
    """By the values of a label."""

    name: str


By = Literal["thread", "host"] | Label


@dataclass(frozen=True, slots=True)
class Part:
    """`value` is a thread's name, a host's id or a label's value."""

    value: str
    total: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Largest first; `left_out` values were not looked at. `labels` are those that the profiles carry."""

    whole: Merged
    parts: list[Part]
    left_out: int
    labels: list[str]


def build(selector: Selector, start_ns: int, end_ns: int, by: By) -> Breakdown:
    """Of all that the selector means in the half-open range."""
    whole = profiles.merge(selector, start_ns, end_ns)
    service = Service.objects.filter(name=selector.service).first()
    sets = [] if service is None else _sets(service, selector, start_ns, end_ns)
    labels = sorted({name for _, carried in sets for name in carried})
    if service is None or not len(whole.counts):
        return Breakdown(whole, [], 0, labels)
    if by == "thread":
        found, left_out = _of_threads(service, whole), 0
    else:
        values = _values(sets, by)
        chosen = values[:MOST_VALUES]
        left_out = len(values) - len(chosen)
        found = [
            Part(value, _total(_narrowed(selector, by, value), start_ns, end_ns, whole)) for value in chosen
        ]
    parts = sorted((part for part in found if part.total), key=lambda part: (-part.total, part.value))
    return Breakdown(whole, parts, left_out, labels)


def label_values(selector: Selector, start_ns: int, end_ns: int) -> dict[str, list[str]]:
    """The labels that the selected profiles carry, each with its values."""
    service = Service.objects.filter(name=selector.service).first()
    found: dict[str, set[str]] = {}
    for _, carried in [] if service is None else _sets(service, selector, start_ns, end_ns):
        for name, value in carried.items():
            found.setdefault(name, set()).add(value)
    return {name: sorted(found[name]) for name in sorted(found)}


def _sets(
    service: Service, selector: Selector, start_ns: int, end_ns: int
) -> list[tuple[int, dict[str, str]]]:
    found = backend.profile_store().label_sets(filter_of(service, selector), start_ns, end_ns)
    return [
        (host, dict(labelsets.items_of(labels)))
        for host, labels in sorted(found)
        if not selector.host_ids or host in selector.host_ids
    ]


def _values(sets: Iterable[tuple[int, dict[str, str]]], by: By) -> list[str]:
    if not isinstance(by, Label):
        return list(dict.fromkeys(str(host) for host, _ in sets))
    return list(dict.fromkeys(carried[by.name] for _, carried in sets if by.name in carried))


def _narrowed(selector: Selector, by: By, value: str) -> Selector:
    if not isinstance(by, Label):
        return replace(selector, host_ids=(int(value),))
    return replace(selector, labels={**selector.labels, by.name: value})


def _total(selector: Selector, start_ns: int, end_ns: int, whole: Merged) -> int:
    """In the unit and period of the whole."""
    found = profiles.merge(selector, start_ns, end_ns)
    if found.unit != whole.unit:
        return 0
    return round(int(found.counts.sum()) * found.period_ns / max(1, whole.period_ns))


def _of_threads(service: Service, whole: Merged) -> list[Part]:
    tree = trie_of(service).covering(int(whole.stack_ids.max()) + 1)
    known = whole.stack_ids < len(tree.thread_of_stack)
    threads = tree.thread_of_stack[whole.stack_ids[known]]
    totals = np.zeros(len(tree.threads), np.int64)
    np.add.at(totals, threads, whole.counts[known])
    return [Part(name, int(total)) for name, total in zip(tree.threads, totals.tolist(), strict=True)]
