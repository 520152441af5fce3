"""Profiles as hypothesis draws them, merged from the store, and answers read the way a page reads them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from hypothesis import strategies as st

from diagnose.store import profiles
from diagnose.store.profiles import Merged, Selector

START = time.time_ns() - 600 * 10**9
HOUR_NS = 3600 * 10**9
Path = tuple[str, ...]
_services = count()

PATHS = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=7).map(tuple)
COUNTS = st.dictionaries(PATHS, st.integers(1, 50), max_size=8)


def merged(put_profile: Callable[..., None], *rounds: Mapping[Path, int]) -> tuple[str, list[Merged]]:
    """A service of its own, and each of `rounds` as a selection of it."""
    service = f"drawn-{next(_services)}"
    found = []
    for number, counts in enumerate(rounds):
        begin = START + number * 10**9
        if counts:
            put_profile(begin, counts, service=service)
        found.append(profiles.merge(Selector(service, "cpu"), begin, begin + 10**9))
    return service, found


def tree_of(
    answer: Mapping[str, Any], nodes: Mapping[str, list[Any]], *columns: str
) -> dict[Path, tuple[Any, ...]]:
    """The columns by path below the root."""
    names = [answer["strings"][number] for number in answer["frames"]["name"]]
    path: list[str] = []
    found = {}
    rows = zip(nodes["frame"], nodes["depth"], *(nodes[name] for name in columns), strict=True)
    for frame, depth, *values in rows:
        path[depth:] = [names[frame]]
        assert tuple(path[1:]) not in found
        found[tuple(path[1:])] = tuple(values)
    return found


def totals(counts: Mapping[Path, int]) -> Counter[Path]:
    """By path, the samples at and below it."""
    found: Counter[Path] = Counter()
    for path, number in counts.items():
        for depth in range(len(path) + 1):
            found[path[:depth]] += number
    return found


def read(answer: Any) -> Any:
    """As it comes out of JSON."""
    return json.loads(json.dumps(answer))
