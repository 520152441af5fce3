"""Flame graph, top list and single stacks of merged profiles: counts by stack number become names and totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnose.models import Frame, Service, Stack
from diagnose.store.blob import Counts, Ids
from diagnose.store.dictionary import FrameInfo
from diagnose.store.profiles import Merged
from diagnose.store.trie import Tree, Trie, trie_of

Numbers = NDArray[np.int64]


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
        numbers: dict[str, int] = {}
        frames: dict[str, list[int]] = {"name": [], "file": [], "line": [], "module": []}
        for frame in self.frames:
            frames["name"].append(numbers.setdefault(frame.name, len(numbers)))
            frames["file"].append(numbers.setdefault(frame.file, len(numbers)))
            frames["line"].append(frame.line)
            frames["module"].append(numbers.setdefault(frame.module, len(numbers)))
        return {
            "service": self.service,
            "type": self.merged.type,
            "unit": self.merged.unit,
            "period_ns": self.merged.period_ns,
            "total": int(self.total[0]),
            "seconds": self.merged.seconds,
            "cut": self.cut,
            "nodes_total": self.nodes_total,
            "strings": list(numbers),
            "frames": frames,
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
    tree, ids, counts = _known(service, merged, threads)
    own, totals = _sums(tree, ids, counts)
    kept = np.flatnonzero(totals >= max(1, int(np.ceil(cut * totals[0]))))
    kept = kept if len(kept) else np.zeros(1, np.int64)
    functions, frame = np.unique(tree.function[kept], return_inverse=True)
    lines = _lines(tree, ids, counts)
    frames = [
        FrameInfo(name, file, lines.get(number, 0), module)
        for number in functions.tolist()
        for name, file, _, module in [tree.functions[number]]
    ]
    return FlameGraph(
        service=service,
        merged=merged,
        cut=cut,
        nodes_total=max(1, int(np.count_nonzero(totals))),
        frames=frames,
        frame=frame.reshape(-1),
        depth=tree.depth[kept],
        total=totals[kept],
        self=own[kept],
    )


def top(service: str, merged: Merged, limit: int = 100) -> list[TopRow]:
    """Functions by their own samples, then by their total."""
    tree, ids, counts = _known(service, merged, threads=False)
    own, totals = _sums(tree, ids, counts)
    own_by_function, total_by_function = np.zeros((2, len(tree.functions)), np.int64)
    np.add.at(own_by_function, tree.function, own)
    outer = _outermost(tree, np.flatnonzero(totals))
    np.add.at(total_by_function, tree.function[outer], totals[outer])
    total_by_function[0] = 0  # the root is no function
    ranked = np.lexsort((-total_by_function, -own_by_function))[:limit]
    lines = _lines(tree, ids, counts)
    return [
        TopRow(name, file, lines.get(number, 0), int(own_by_function[number]), int(total_by_function[number]))
        for number in ranked[total_by_function[ranked] > 0].tolist()
        for name, file, *_ in [tree.functions[number]]
    ]


def stacks(service: str, merged: Merged, limit: int) -> list[StackRow]:
    """The heaviest stacks, heaviest first."""
    order = np.argsort(-merged.counts, kind="stable")[:limit]
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


def _known(service: str, merged: Merged, threads: bool) -> tuple[Tree, Ids, Counts]:
    """The tree that has all of the merged stacks, and the stacks that it has.

    A stack number without a stack can only come of a database older than the telemetry beside it.
    """
    found = Service.objects.filter(name=service).first()
    needed = int(merged.stack_ids[-1]) + 1 if len(merged.stack_ids) else 0
    trie = Trie(Service(name=service), threads) if found is None else trie_of(found, threads)
    tree = trie.covering(needed if found else 0)
    known = merged.stack_ids < len(tree.leaf_of_stack)
    return tree, merged.stack_ids[known], merged.counts[known]


def _sums(tree: Tree, ids: Ids, counts: Counts) -> tuple[Numbers, Numbers]:
    """Each node's own count and its total."""
    own = np.zeros(len(tree.function), np.int64)
    np.add.at(own, tree.leaf_of_stack[ids], counts)
    running = np.concatenate((np.zeros(1, np.int64), np.cumsum(own)))
    return own, running[tree.end] - running[:-1]


def _outermost(tree: Tree, nodes: Numbers) -> Numbers:
    """The nodes that have no ancestor of the same function: by function, those that begin after all before ended."""
    nodes = nodes[np.lexsort((nodes, tree.function[nodes]))]
    # One running maximum over all functions: moving each function's places apart keeps them from mixing.
    apart = tree.function[nodes] * (len(tree.function) + 1)
    reach = np.maximum.accumulate(tree.end[nodes] + apart)
    before = np.concatenate((np.zeros(1, np.int64), reach[:-1]))[: len(nodes)]
    return nodes[nodes + apart >= before]


def _lines(tree: Tree, ids: Ids, counts: Counts) -> dict[int, int]:
    """By function, the line with most own samples; without own samples, the lowest line it was ever seen on."""
    own = np.zeros(len(tree.line_of_frame) + 1, np.int64)  # the last place takes stacks without frames
    np.add.at(own, tree.frame_of_stack[ids], counts)
    order = np.lexsort((tree.line_of_frame, -own[:-1], tree.function_of_frame))
    functions = tree.function_of_frame[order]
    firsts = np.flatnonzero(np.diff(functions, prepend=-1))
    lines = tree.line_of_frame[order[firsts]]
    return dict(zip(functions[firsts].tolist(), lines.tolist(), strict=True))
