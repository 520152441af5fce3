"""A tree grown level by level and put in depth-first order, each level worked on as whole arrays.

In that order every node's total is one difference of a running sum: what is below a node stands right after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
NO_NUMBERS = np.empty(0, np.int64)
_LOW = 0xFFFFFFFF


@dataclass(slots=True)
class _Level:
    """Nodes of one depth, ordered by (parent, function): their keys, and their numbers in order of making."""

    keys: Numbers = field(default_factory=lambda: NO_NUMBERS)
    nodes: Numbers = field(default_factory=lambda: NO_NUMBERS)


@dataclass(frozen=True, slots=True)
class Order:
    """Over places, depth-first (0 is the root): `function`, `depth`, `parent` (-1 of the root), and `end`, the place
    after the last node below. `place` is over nodes in order of making.
    """

    place: Numbers
    function: Numbers
    depth: Numbers
    parent: Numbers
    end: Numbers


class Levels:
    """Nodes are numbered in order of making, the root is 0; a node is one function below one parent."""

    def __init__(self) -> None:
        self._levels: list[_Level] = []
        self._nodes = 1

    def below(self, depth: int, parents: Numbers, functions: Numbers) -> Numbers:
        """The node of each function right below its parent, a node of `depth`; made where it is new."""
        if depth == len(self._levels):
            self._levels.append(_Level())
        level, keys = self._levels[depth], parents << 32 | functions
        wanted, chosen = np.unique(keys, return_inverse=True)
        if not len(level.keys):
            level.keys, level.nodes = wanted, np.arange(self._nodes, self._nodes + len(wanted))
            self._nodes += len(wanted)
            return level.nodes[chosen]
        new = wanted[~np.isin(wanted, level.keys, assume_unique=True)]
        nodes = np.append(level.nodes, np.arange(self._nodes, self._nodes + len(new)))
        level.keys = np.append(level.keys, new)
        order = np.argsort(level.keys, kind="stable")
        level.keys, level.nodes = level.keys[order], nodes[order]
        self._nodes += len(new)
        return level.nodes[np.searchsorted(level.keys, keys)]

    def ordered(self, rank: Numbers) -> Order:
        """Siblings by the rank of their function. Sizes from the deepest level up, then places from the root down."""
        size = np.ones(self._nodes, np.int64)
        for level in reversed(self._levels):
            np.add.at(size, level.keys >> 32, size[level.nodes])
        place, function, depth, parent = (np.zeros(self._nodes, np.int64) for _ in range(4))
        parent[0] = -1
        for number, level in enumerate(self._levels, 1):
            families, functions = level.keys >> 32, level.keys & _LOW
            order = np.argsort(families << 32 | rank[functions])  # half the cost of lexsort
            nodes, families = level.nodes[order], families[order]
            above = place[families]
            at = place[nodes] = above + 1 + _within_family(families, size[nodes])
            function[at], depth[at], parent[at] = functions[order], number, above
        end = np.empty(self._nodes, np.int64)
        end[place] = place + size
        return Order(place, function, depth, parent, end)


def _within_family(parents: Numbers, sizes: Numbers) -> Numbers:
    """For nodes ordered by parent: how many nodes the siblings before each take."""
    before = np.cumsum(sizes) - sizes
    firsts = np.flatnonzero(np.diff(parents, prepend=-1))
    family_sizes = np.diff(np.append(firsts, len(parents)))
    return before - np.repeat(before[firsts], family_sizes)


def totals(own: Numbers, end: Numbers) -> Numbers:
    """What each place and all below it have, of what each place has itself."""
    running = np.concatenate((np.zeros(1, np.int64), np.cumsum(own)))
    return running[end] - running[:-1]
