"""Flame graph, top list and single stacks of merged profiles: counts by stack number become names and totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diagnose.models import Frame, Stack
from diagnose.store.levels import Numbers
from diagnose.store.names import FrameInfo
from diagnose.store.nodesums import columns_of, frames_of, lay, least
from diagnose.store.profiles import Merged
from diagnose.store.spelledstacks import SpelledStacks


@dataclass(frozen=True, slots=True)
class FlameGraph:
    """Nodes depth-first; node 0 is the root. `frame` of a node indexes `frames`, whose first is the root's "all".

    Nodes under `cut` of the whole are left out; `nodes_total` is how many there were. A node's horizontal place
    follows from depths and totals: siblings stand side by side from their parent's left edge, in this order.
    """

    service: str
    merged: Merged
    cut: float
    nodes_total: int
    frames: list[FrameInfo]
    frame: Numbers
    depth: Numbers
    total: Numbers
    self: Numbers

    def as_json(self) -> dict[str, Any]:
        """The form of `/api/v1/profiles/flamegraph`; `frames.*` index `strings`, except `line`."""
        return {
            "service": self.service,
            "type": self.merged.type,
            "unit": self.merged.unit,
            "period_ns": self.merged.period_ns,
            "total": int(self.total[0]),
            "seconds": self.merged.seconds,
            "cut": self.cut,
            "nodes_total": self.nodes_total,
            "unreadable": self.merged.corrupt,
            **columns_of(self.frames),
            "nodes": {
                "frame": self.frame.tolist(),
                "depth": self.depth.tolist(),
                "total": self.total.tolist(),
                "self": self.self.tolist(),
            },
        }


@dataclass(frozen=True, slots=True)
class TopRow:
    """One function; `line` is where most of its own samples are, 0 when unknown. A recursion counts once."""

    name: str
    file: str
    line: int
    self: int
    total: int


@dataclass(frozen=True, slots=True)
class StackRow:
    """One stack in one thread, root first."""

    thread: str
    frames: tuple[FrameInfo, ...]
    count: int


def build(service: str, merged: Merged, *, threads: bool = False, cut: float = 0.0005) -> FlameGraph:
    """The tree of `merged`; `threads` puts the thread's name below the root; `cut` is a share of the whole."""
    (sums,) = lay(service, merged, threads=threads)
    kept = np.flatnonzero(sums.total >= least(int(sums.total[0]), cut))
    kept = kept if len(kept) else np.zeros(1, np.int64)
    functions, frame = np.unique(sums.tree.function[kept], return_inverse=True)
    return FlameGraph(
        service=service,
        merged=merged,
        cut=cut,
        nodes_total=max(1, int(np.count_nonzero(sums.total))),
        frames=frames_of(functions, sums),
        frame=frame.reshape(-1),
        depth=sums.tree.depth[kept],
        total=sums.total[kept],
        self=sums.own[kept],
    )


def top(service: str, merged: Merged, limit: int = 100) -> list[TopRow]:
    """Functions by their own samples, then by their total."""
    (sums,) = lay(service, merged)
    tree = sums.tree
    own, total = np.zeros((2, len(tree.functions)), np.int64)
    np.add.at(own, tree.function, sums.own)
    np.add.at(total, tree.function[tree.outermost], sums.total[tree.outermost])
    total[0] = 0  # the root is no function
    ranked = np.lexsort((-total, -own))[:limit]
    ranked = ranked[total[ranked] > 0]
    return [
        TopRow(frame.name, frame.file, frame.line, int(own[number]), int(total[number]))
        for number, frame in zip(ranked.tolist(), frames_of(ranked, sums), strict=True)
    ]


def paths(service: str, merged: Merged, limit: int) -> list[tuple[tuple[FrameInfo, ...], int]]:
    """The heaviest ways through the tree, root first, with their own samples; functions only, from memory."""
    (sums,) = lay(service, merged)
    tree = sums.tree
    found = []
    for node in np.argsort(-sums.own, kind="stable")[:limit].tolist():
        if not sums.own[node]:
            break
        count, way = int(sums.own[node]), []
        while node > 0:
            way.append(tree.functions[tree.function[node]])
            node = int(tree.parent[node])
        found.append((tuple(reversed(way)), count))
    return found


def stacks(service: str, merged: Merged, limit: int) -> list[StackRow]:
    """The heaviest stacks, heaviest first."""
    order = np.argsort(-merged.counts, kind="stable")[:limit]
    if merged.spelled is not None:
        ids, counted = merged.stack_ids[order].tolist(), merged.counts[order].tolist()
        words = merged.spelled
        return [StackRow(*words.words(number), count) for number, count in zip(ids, counted, strict=True)]
    counts = dict(zip(merged.stack_ids[order].tolist(), merged.counts[order].tolist(), strict=True))
    threads: dict[int, str] = {}
    paths: dict[int, list[int]] = {}
    for chosen in _slices(list(counts)):
        rows = Stack.objects.filter(service__name=service, number__in=chosen)
        for number, thread, frames in rows.values_list("number", "thread", "frames"):
            threads[number], paths[number] = thread, np.frombuffer(frames, "<u4").tolist()
    frames_of = _frames(service, {frame for path in paths.values() for frame in path})
    return [
        StackRow(threads[number], tuple(frames_of[frame] for frame in paths[number]), count)
        for number, count in counts.items()
        if number in paths
    ]


def in_words(service: str, merged: Merged, limit: int) -> Merged:
    """The same with its heaviest stacks in words, so that it can be held against what is not in the store."""
    if merged.spelled is not None:
        return merged
    rows = stacks(service, merged, limit)
    numbers: dict[FrameInfo, int] = {}
    paths = [
        (row.thread, np.array([numbers.setdefault(frame, len(numbers)) for frame in row.frames], np.int64))
        for row in rows
    ]
    return replace(
        merged,
        stack_ids=np.arange(len(rows), dtype=np.uint32),
        counts=np.array([row.count for row in rows], np.int64),
        spelled=SpelledStacks(list(numbers), paths),
    )


def _slices(numbers: list[int]) -> Iterator[list[int]]:
    """As many as a query takes in one list."""
    for begin in range(0, len(numbers), 500):
        yield numbers[begin : begin + 500]


def _frames(service: str, numbers: set[int]) -> dict[int, FrameInfo]:
    found = {}
    for chosen in _slices(sorted(numbers)):
        rows = Frame.objects.filter(service__name=service, number__in=chosen)
        for row in rows:
            found[row.number] = FrameInfo(row.name, row.file, row.line, row.module)
    return found
