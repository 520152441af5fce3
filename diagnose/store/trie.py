"""The tree of a service's stacks in depth-first order, so that every node's total is one difference of a running sum.

Kept per process and extended as the dictionary grows. Nodes are functions (name, file, module), not lines: a function
that is sampled on two lines is one box. Siblings stand in order of name.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

import numpy as np

from diagnose.models import Frame, Service, Stack
from diagnose.store.dictionary import identity_of
from diagnose.store.levels import NO_NUMBERS, Levels, Numbers
from diagnose.store.names import FrameInfo

_CACHED_TRIES = 64


@dataclass(frozen=True, eq=False)
class Tree:
    """One state of a trie, never changed afterwards.

    Over nodes in depth-first order (0 is the root): `function`, `depth`, `parent` (-1 of the root), and `end`, the
    place after the last node below. Over stack numbers: the place at which a stack ends, its innermost frame (-1 for
    an empty stack) and its thread, a place in `threads`. Over frame numbers: function and line. Over functions: the
    place in order of name.
    """

    function: Numbers
    depth: Numbers
    parent: Numbers
    end: Numbers
    leaf_of_stack: Numbers
    frame_of_stack: Numbers
    thread_of_stack: Numbers
    function_of_frame: Numbers
    line_of_frame: Numbers
    rank_of_function: Numbers
    functions: list[FrameInfo]
    threads: list[str]

    @cached_property
    def outermost(self) -> Numbers:
        """The nodes without an ancestor of the same function: by function, those that begin after all before ended."""
        nodes = np.argsort(self.function, kind="stable")
        # One running maximum over all functions: moving each function's places apart keeps them from mixing.
        apart = self.function[nodes] * (len(nodes) + 1)
        reach = np.maximum.accumulate(self.end[nodes] + apart)
        before = np.concatenate((np.zeros(1, np.int64), reach[:-1]))
        return nodes[nodes + apart >= before]


class Rows(Protocol):
    """Where a tree's stacks come from; both are numbered from 0 on."""

    def frames_from(self, number: int) -> list[FrameInfo]: ...

    def stacks_from(self, number: int) -> list[tuple[str, Numbers]]:
        """Each one's thread, and its frames' numbers, root first."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Those of a service in the database."""

    service: Service

    def frames_from(self, number: int) -> list[FrameInfo]:
        rows = Frame.objects.filter(service=self.service, number__gte=number).order_by("number")
        return [FrameInfo(*row) for row in rows.values_list("name", "file", "line", "module")]

    def stacks_from(self, number: int) -> list[tuple[str, Numbers]]:
        rows = Stack.objects.filter(service=self.service, number__gte=number).order_by("number")
        return [
            (thread, np.frombuffer(frames, "<u4").astype(np.int64))
            for thread, frames in rows.values_list("thread", "frames")
        ]


class Trie:
    """The functions, stacks and tree of some rows; `threads` puts the thread's name below the root."""

    def __init__(self, rows: Rows, threads: bool) -> None:
        self._rows = rows
        self._threads = threads
        self._lock = threading.Lock()
        self._levels = Levels()
        # No function is on line -1, so none is taken for the root, whatever its name.
        self._function_numbers: dict[FrameInfo, int] = {FrameInfo("all", "", -1, ""): 0}
        self._thread_numbers: dict[str, int] = {}
        self._leaves = self._frame_of_stack = self._thread_of_stack = NO_NUMBERS
        self._function_of_frame = self._line_of_frame = NO_NUMBERS
        self._tree = self._ordered()

    def covering(self, stacks: int) -> Tree:
        """The tree, extended first when it does not know stack number `stacks - 1` yet."""
        with self._lock:
            if stacks > len(self._leaves):
                self._extend()
            return self._tree

    def _extend(self) -> None:
        # Stacks first: every frame of a stack that can be seen is there before it.
        rows = self._rows.stacks_from(len(self._leaves))
        self._learn_frames()
        paths = [path for _, path in rows]
        innermost = np.array([path[-1] if len(path) else -1 for path in paths], np.int64)
        self._frame_of_stack = np.append(self._frame_of_stack, innermost)
        threads = [self._thread_numbers.setdefault(name, len(self._thread_numbers)) for name, _ in rows]
        self._thread_of_stack = np.append(self._thread_of_stack, np.array(threads, np.int64))
        functions = [self._function_of_frame[path] for path in paths]
        if self._threads:
            heads = [self._function(FrameInfo(thread or "?", "", 0, "")) for thread, _ in rows]
            functions = [np.append(head, path) for head, path in zip(heads, functions, strict=True)]
        self._leaves = np.append(self._leaves, self._grow(functions))
        self._tree = self._ordered()

    def _learn_frames(self) -> None:
        known = len(self._function_of_frame)
        new = self._rows.frames_from(known)
        functions = [self._function(frame._replace(line=0)) for frame in new]
        self._function_of_frame = np.append(self._function_of_frame, np.array(functions, np.int64))
        lines = np.array([frame.line for frame in new], np.int64)
        self._line_of_frame = np.append(self._line_of_frame, lines)

    def _function(self, function: FrameInfo) -> int:
        return self._function_numbers.setdefault(function, len(self._function_numbers))

    def _grow(self, paths: list[Numbers]) -> Numbers:
        """Add the paths level by level; the node at which each ends."""
        lengths = np.array([len(path) for path in paths], np.int64)
        flat = np.concatenate(paths) if paths else NO_NUMBERS
        begins = np.cumsum(lengths) - lengths
        at = np.zeros(len(paths), np.int64)
        going = np.arange(len(paths))
        depth = 0
        while len(going := going[lengths[going] > depth]):
            at[going] = self._levels.below(depth, at[going], flat[begins[going] + depth])
            depth += 1
        return at

    def _ordered(self) -> Tree:
        names = list(self._function_numbers)
        rank = _ranks(names)
        order = self._levels.ordered(rank)
        return Tree(
            function=order.function,
            depth=order.depth,
            parent=order.parent,
            end=order.end,
            leaf_of_stack=order.place[self._leaves],
            frame_of_stack=self._frame_of_stack,
            thread_of_stack=self._thread_of_stack,
            function_of_frame=self._function_of_frame,
            line_of_frame=self._line_of_frame,
            rank_of_function=rank,
            functions=names,
            threads=list(self._thread_numbers),
        )


def _ranks(names: list[FrameInfo]) -> Numbers:
    rank = np.empty(len(names), np.int64)
    rank[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return rank


_lock = threading.Lock()
_tries: OrderedDict[tuple[tuple[int, datetime], bool], Trie] = OrderedDict()


def trie_of(service: Service, threads: bool = False) -> Trie:
    """The service's tree in this process."""
    key = identity_of(service), threads
    with _lock:
        trie = _tries.pop(key, None) or Trie(Stored(service), threads)
        _tries[key] = trie
        if len(_tries) > _CACHED_TRIES:
            _tries.popitem(last=False)
    return trie
