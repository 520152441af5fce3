"""Sets of labels as the store keeps them, and which of them get hourly sums of their own.

Every set gets one, but not without bound: of sets that a process's number (pid) makes, only the busiest, so that
a service whose processes live for seconds costs what its hosts cost and not what its processes do. The others are
added up under the same labels without the number; and of what then are still many sets, the least busy ones under
no labels at all. A profile's sum is that of the first of `levels_of` its labels that has one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from functools import lru_cache

ALL = ""  # in the place of a set: whatever the labels
_NONE = "{}"
_SHORT_LIVED = frozenset({"pid"})
# A sum of few profiles is about as long as they are: below this it saves too little of reading them.
_LEAST_PROFILES = 12
_MOST_SHORT_LIVED, _MOST_SETS = 16, 64


def text_of(labels: Mapping[str, str]) -> str:
    """One text for one set."""
    return _text(tuple(sorted(labels.items())))


def carries(labels: str, wanted: Collection[tuple[str, str]]) -> bool:
    """Whether all of `wanted` are among the labels."""
    return not wanted or items_of(labels).issuperset(wanted)


@lru_cache(maxsize=10_000)
def levels_of(labels: str) -> tuple[str, ...]:
    """The sets under which these may be added up, finest first."""
    return tuple(dict.fromkeys((labels, _lasting(labels), _NONE)))


def sum_of(labels: str, sums: Collection[str]) -> str | None:
    """Under which of the `sums` these labels were added up."""
    return next((level for level in levels_of(labels) if level in sums), None)


def summed_under(profiles: Mapping[str, int]) -> dict[str, str]:
    """By set with its number of profiles in one hour of one host, the set under which it is added up."""
    short_lived = {labels: number for labels, number in profiles.items() if _lasting(labels) != labels}
    busy = {labels: number for labels, number in short_lived.items() if number >= _LEAST_PROFILES}
    own = set(profiles) - set(short_lived) | set(_busiest(busy, _MOST_SHORT_LIVED))
    found = {labels: labels if labels in own else _lasting(labels) for labels in profiles}
    lasting: Counter[str] = Counter()
    for labels, under in found.items():
        if under not in short_lived:
            lasting[under] += profiles[labels]
    kept = set(_busiest(lasting, _MOST_SETS)) | set(short_lived)
    return {labels: under if under in kept else _NONE for labels, under in found.items()}


def _busiest(profiles: Mapping[str, int], most: int) -> list[str]:
    return sorted(profiles, key=lambda labels: (-profiles[labels], labels))[:most]


@lru_cache(maxsize=10_000)
def _text(items: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(dict(items), ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=10_000)
def items_of(labels: str) -> frozenset[tuple[str, str]]:
    """Names with their values."""
    return frozenset(json.loads(labels).items())


@lru_cache(maxsize=10_000)
def _lasting(labels: str) -> str:
    return text_of({name: value for name, value in items_of(labels) if name not in _SHORT_LIVED})
