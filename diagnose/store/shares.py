"""How one function's share of a service changes over a range: slice by slice, its own and with all it called."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from diagnose.store import profiles
from diagnose.store.nodesums import lay
from diagnose.store.profiles import Merged, Selector
from diagnose.store.rows import HOUR_NS, NS_PER_SECOND
from diagnose.store.sandwich import calls_of, matching
from diagnose.store.trie import Tree

# Beyond this, slices of less than an hour would add up tens of thousands of profiles; whole hours have sums.
_FINE_NS = 6 * HOUR_NS


@dataclass(frozen=True, slots=True)
class Shares:
    """By slice, each `width_ns` long: samples of all functions, and the shares of one; None where there are none."""

    starts_ns: list[int]
    width_ns: int
    samples: list[int]
    self: list[float | None]
    total: list[float | None]


def of_function(
    selector: Selector, function: str, file: str, start_ns: int, end_ns: int, slices: int
) -> Shares:
    """About as many slices; of a range over six hours they are whole hours, or several."""
    edges = _edges(start_ns, end_ns, slices)
    found = [profiles.merge(selector, begin, end) for begin, end in pairwise(edges)]
    (sums,) = lay(selector.service, max(found, key=_highest))
    own, below = _stacks_of(sums.tree, function, file)
    whole = [int(one.counts.sum()) for one in found]
    return Shares(
        starts_ns=edges[:-1],
        width_ns=edges[1] - edges[0],
        samples=whole,
        self=[_share(one, own, total) for one, total in zip(found, whole, strict=True)],
        total=[_share(one, below, total) for one, total in zip(found, whole, strict=True)],
    )


def _edges(start_ns: int, end_ns: int, slices: int) -> list[int]:
    step = HOUR_NS if end_ns - start_ns > _FINE_NS else NS_PER_SECOND
    width = max(1, -(-(end_ns - start_ns) // (slices * step))) * step
    first = start_ns // step * step
    return list(range(first, end_ns + width, width))


def _highest(merged: Merged) -> int:
    return int(merged.stack_ids[-1]) if len(merged.stack_ids) else -1


def _stacks_of(tree: Tree, function: str, file: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Over stack numbers: whether the function is at the end, and whether it is anywhere."""
    numbers = matching(tree, function, file)
    tops = calls_of(tree, numbers)
    steps = np.zeros(len(tree.function) + 1, np.int64)
    np.add.at(steps, tops, 1)
    np.add.at(steps, tree.end[tops], -1)
    below = np.cumsum(steps)[:-1] > 0
    return np.isin(tree.function, numbers)[tree.leaf_of_stack], below[tree.leaf_of_stack]


def _share(merged: Merged, chosen: NDArray[np.bool_], whole: int) -> float | None:
    if not whole:
        return None
    known = merged.stack_ids < len(chosen)
    counted = merged.counts[known][chosen[merged.stack_ids[known]]]
    return round(int(counted.sum()) / whole, 6)
