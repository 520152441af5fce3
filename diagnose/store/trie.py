"""The tree of a service's stacks in depth-first order, so that every node's total is one difference of a running sum.

Kept per process and extended as the dictionary grows. Nodes are functions (name, file, module), not lines: a function
that is sampled on two lines is one box. Siblings stand in order of name. Each level is worked on as whole arrays.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from diagnose.models import Frame, Service, Stack
from diagnose.store.dictionary import FrameInfo, identity_of

_CACHED_TRIES = 64
Numbers = NDArray[np.int64]
_NONE = np.empty(0, np.int64)
_LOW = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Tree:
    """One state of a trie, never changed afterwards.

    Over nodes in depth-first order (0 is the root): `function`, `depth`, and `end`, the place after the last node
    below. Over stack numbers: the place at which a stack ends and its innermost frame (-1 for an empty stack).
    Over frame numbers: function and line.
    """

    function: Numbers
    depth: Numbers
    end: Numbers
    leaf_of_stack: Numbers
    frame_of_stack: Numbers
    function_of_frame: Numbers
    line_of_frame: Numbers
    functions: list[FrameInfo]


@dataclass(slots=True)
class _Level:
    """Nodes of one depth, ordered by (parent, function): their keys, and their numbers in order of making."""

    keys: Numbers = field(default_factory=lambda: _NONE)
    nodes: Numbers = field(default_factory=lambda: _NONE)


class Trie:
    """One service's functions, stacks and tree; `threads` puts the thread's name below the root."""

    def __init__(self, service: Service, threads: bool) -> None:
        self._service = service
        self._threads = threads
        self._lock = threading.Lock()
        self._levels: list[_Level] = []
        self._function_numbers: dict[FrameInfo, int] = {FrameInfo("all", "", 0, ""): 0}
        self._nodes = 1
        self._leaves = self._frame_of_stack = self._function_of_frame = self._line_of_frame = _NONE
        self._tree = self._ordered()

    def covering(self, stacks: int) -> Tree:
        """The tree, extended first when it does not know stack number `stacks - 1` yet."""
        with self._lock:
            if stacks > len(self._leaves):
                self._extend()
            return self._tree

    def _extend(self) -> None:
        # Stacks first: every frame of a stack that can be seen is there before it.
        found = Stack.objects.filter(service=self._service, number__gte=len(self._leaves)).order_by("number")
        rows = list(found.values_list("thread", "frames"))
        self._learn_frames()
        paths = [np.frombuffer(frames, "<u4").astype(np.int64) for _, frames in rows]
        innermost = np.array([path[-1] if len(path) else -1 for path in paths], np.int64)
        self._frame_of_stack = np.append(self._frame_of_stack, innermost)
        functions = [self._function_of_frame[path] for path in paths]
        if self._threads:
            heads = [self._function(FrameInfo(thread or "?", "", 0, "")) for thread, _ in rows]
            functions = [np.append(head, path) for head, path in zip(heads, functions, strict=True)]
        self._leaves = np.append(self._leaves, self._grow(functions))
        self._tree = self._ordered()

    def _learn_frames(self) -> None:
        known = len(self._function_of_frame)
        rows = Frame.objects.filter(service=self._service, number__gte=known).order_by("number")
        new = [FrameInfo(*row) for row in rows.values_list("name", "file", "line", "module")]
        functions = [self._function(frame._replace(line=0)) for frame in new]
        self._function_of_frame = np.append(self._function_of_frame, np.array(functions, np.int64))
        lines = np.array([frame.line for frame in new], np.int64)
        self._line_of_frame = np.append(self._line_of_frame, lines)

    def _function(self, function: FrameInfo) -> int:
        return self._function_numbers.setdefault(function, len(self._function_numbers))

    def _grow(self, paths: list[Numbers]) -> Numbers:
        """Add the paths level by level; the node at which each ends."""
        lengths = np.array([len(path) for path in paths], np.int64)
        flat = np.concatenate(paths) if paths else _NONE
        begins = np.cumsum(lengths) - lengths
        at = np.zeros(len(paths), np.int64)
        going = np.arange(len(paths))
        depth = 0
        while len(going := going[lengths[going] > depth]):
            if depth == len(self._levels):
                self._levels.append(_Level())
            keys = at[going] << 32 | flat[begins[going] + depth]
            at[going] = self._nodes_of(self._levels[depth], keys)
            depth += 1
        return at

    def _nodes_of(self, level: _Level, keys: Numbers) -> Numbers:
        """The node of each key (parent and function), made where it is new."""
        wanted = np.unique(keys)
        new = wanted[~np.isin(wanted, level.keys, assume_unique=True)]
        nodes = np.append(level.nodes, np.arange(self._nodes, self._nodes + len(new)))
        level.keys = np.append(level.keys, new)
        order = np.argsort(level.keys, kind="stable")
        level.keys, level.nodes = level.keys[order], nodes[order]
        self._nodes += len(new)
        return level.nodes[np.searchsorted(level.keys, keys)]

    def _ordered(self) -> Tree:
        """Depth-first positions: sizes from the deepest level up, then places from the root down."""
        names = list(self._function_numbers)
        rank = _ranks(names)
        size = np.ones(self._nodes, np.int64)
        for level in reversed(self._levels):
            np.add.at(size, level.keys >> 32, size[level.nodes])
        place, function, depth = (np.zeros(self._nodes, np.int64) for _ in range(3))
        for number, level in enumerate(self._levels, 1):
            order = np.lexsort((rank[level.keys & _LOW], level.keys >> 32))
            nodes, keys = level.nodes[order], level.keys[order]
            place[nodes] = place[keys >> 32] + 1 + _within_family(keys >> 32, size[nodes])
            function[place[nodes]] = keys & _LOW
            depth[place[nodes]] = number
        end = np.empty(self._nodes, np.int64)
        end[place] = place + size
        stacks = place[self._leaves], self._frame_of_stack
        return Tree(function, depth, end, *stacks, self._function_of_frame, self._line_of_frame, names)


def _ranks(names: list[FrameInfo]) -> Numbers:
    rank = np.empty(len(names), np.int64)
    rank[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return rank


def _within_family(parents: Numbers, sizes: Numbers) -> Numbers:
    """For nodes ordered by parent: how many nodes the siblings before each take."""
    before = np.cumsum(sizes) - sizes
    firsts = np.flatnonzero(np.diff(parents, prepend=-1))
    family_sizes = np.diff(np.append(firsts, len(parents)))
    return before - np.repeat(before[firsts], family_sizes)


_lock = threading.Lock()
_tries: OrderedDict[tuple[tuple[int, datetime], bool], Trie] = OrderedDict()


def trie_of(service: Service, threads: bool = False) -> Trie:
    """The service's tree in this process."""
    key = identity_of(service), threads
    with _lock:
        trie = _tries.pop(key, None) or Trie(service, threads)
        _tries[key] = trie
        if len(_tries) > _CACHED_TRIES:
            _tries.popitem(last=False)
    return trie
