"""What a service spends its samples on: its hottest functions with their trend, and the layers of its code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from diagnose.correlate.layers import frames as layers
from diagnose.correlate.samples import Frame
from diagnose.store import flamegraph, profiles
from diagnose.store.profiles import Merged, Selector

_SHOWN = 12
_MOST_PATHS = 2000
_LOOKED_AT = 400
# Shares of fewer samples jump by themselves: the standard error of 10 % of 200 is 2 points.
_LEAST_SAMPLES = 200


@dataclass(frozen=True, slots=True)
class HotFunction:
    """Shares of all samples, 0-1. `moved` is the second half's own share minus the first's; None: too few samples."""

    name: str
    file: str
    line: int
    self_share: float
    total_share: float
    moved: float | None


@dataclass(frozen=True, slots=True)
class LayerShare:
    """`seconds_per_request` is CPU time; None where requests are not counted."""

    title: str
    share: float
    seconds_per_request: float | None


@dataclass(frozen=True, slots=True)
class Spent:
    """`samples` of all of it; both lists are empty without any."""

    samples: int
    functions: list[HotFunction]
    layers: list[LayerShare]


def spent(service: str, kind: str, start_ns: int, end_ns: int, seconds_per_request: float | None) -> Spent:
    """`seconds_per_request` is the CPU time of one request, which the layers share."""
    middle = (start_ns + end_ns) // 2
    selector = Selector(service, kind)
    halves = [profiles.merge(selector, *span) for span in ((start_ns, middle), (middle, end_ns))]
    merged = profiles.merge_all([(selector, start_ns, middle), (selector, middle, end_ns)])
    if not int(merged.counts.sum()):
        return Spent(0, [], [])
    of_layers = layer_shares(service, merged, seconds_per_request if kind == "cpu" else None)
    return Spent(int(merged.counts.sum()), hot_functions(service, merged, halves), of_layers)


def layer_shares(service: str, merged: Merged, seconds_per_request: float | None) -> list[LayerShare]:
    """The largest first. The lightest stacks are left out: all of them are as many as matter little."""
    counts: Counter[str] = Counter()
    for way, count in flamegraph.paths(service, merged, _MOST_PATHS):
        counts[layers.layer_of([Frame(*frame) for frame in way])] += count
    titles = {layer.id: layer.title for layer in layers.layers()}
    whole = counts.total()
    return [
        LayerShare(
            titles.get(layer, layer),
            count / whole,
            None if seconds_per_request is None else seconds_per_request * count / whole,
        )
        for layer, count in counts.most_common()
    ]


def hot_functions(service: str, merged: Merged, halves: Sequence[Merged]) -> list[HotFunction]:
    """The largest own share first."""
    whole = int(merged.counts.sum())
    first, second = (_own_shares(service, half) for half in halves)
    enough = all(int(half.counts.sum()) >= _LEAST_SAMPLES for half in halves)
    return [
        HotFunction(
            row.name,
            row.file,
            row.line,
            row.self / whole,
            row.total / whole,
            second.get((row.name, row.file), 0.0) - first.get((row.name, row.file), 0.0) if enough else None,
        )
        for row in flamegraph.top(service, merged, _SHOWN)
    ]


def _own_shares(service: str, merged: Merged) -> dict[tuple[str, str], float]:
    whole = int(merged.counts.sum())
    if not whole:
        return {}
    return {(row.name, row.file): row.self / whole for row in flamegraph.top(service, merged, _LOOKED_AT)}
