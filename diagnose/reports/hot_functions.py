"""A service's functions that take the most CPU, with how each one's share moved from the first half to the second."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.store import flamegraph, profiles
from diagnose.store.profiles import Merged, Selector

_SHOWN = 12
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


def hot_functions(service: str, kind: str, start_ns: int, end_ns: int) -> list[HotFunction]:
    """The largest own share first."""
    middle = (start_ns + end_ns) // 2
    selector = Selector(service, kind)
    halves = [profiles.merge(selector, *span) for span in ((start_ns, middle), (middle, end_ns))]
    merged = profiles.merge_all([(selector, start_ns, middle), (selector, middle, end_ns)])
    whole = int(merged.counts.sum())
    if not whole:
        return []
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
