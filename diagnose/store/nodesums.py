"""Merged profiles laid on their service's tree: each node's own count and its total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diagnose.models import Service
from diagnose.store.blob import Counts, Ids
from diagnose.store.levels import Numbers, totals
from diagnose.store.names import FrameInfo
from diagnose.store.profiles import Merged
from diagnose.store.spelledstacks import SpelledStacks
from diagnose.store.trie import Tree, Trie, trie_of


@dataclass(frozen=True, slots=True)
class NodeSums:
    """`own` and `total` by node of `tree`; `stack_ids` and `counts` are what they are made of."""

    tree: Tree
    stack_ids: Ids
    counts: Counts
    own: Numbers
    total: Numbers


def lay(service: str, *merged: Merged, threads: bool = False) -> list[NodeSums]:
    """Each of `merged` on one and the same tree; `threads` puts the thread's name below the root."""
    if any(one.spelled is not None for one in merged):
        return _lay_spelled(merged, threads)
    found = Service.objects.filter(name=service).first()
    trie = Trie(SpelledStacks([], []), threads) if found is None else trie_of(found, threads)
    needed = max((int(one.stack_ids[-1]) + 1 for one in merged if len(one.stack_ids)), default=0)
    tree = trie.covering(needed if found else 0)
    return [_laid(tree, one) for one in merged]


def _lay_spelled(merged: Sequence[Merged], threads: bool) -> list[NodeSums]:
    """All of them are in words; the stacks of each come after those of the one before."""
    parts = [one.spelled or SpelledStacks([], []) for one in merged]
    whole = SpelledStacks.joined(parts)
    tree = Trie(whole, threads).covering(len(whole.stacks))
    begin, found = 0, []
    for one, part in zip(merged, parts, strict=True):
        found.append(_laid(tree, replace(one, stack_ids=one.stack_ids + np.uint32(begin))))
        begin += len(part.stacks)
    return found


def _laid(tree: Tree, merged: Merged) -> NodeSums:
    """A stack number without a stack can only come of a database older than the telemetry beside it: left out."""
    known = merged.stack_ids < len(tree.leaf_of_stack)
    ids, counts = merged.stack_ids[known], merged.counts[known]
    own = np.zeros(len(tree.function), np.int64)
    np.add.at(own, tree.leaf_of_stack[ids], counts)
    return NodeSums(tree, ids, counts, own, totals(own, tree.end))


def least(whole: int, cut: float) -> int:
    """The smallest total that is shown when nodes under the share `cut` of the whole are left out."""
    return max(1, int(np.ceil(cut * whole)))


def frames_of(functions: Numbers, *sums: NodeSums) -> list[FrameInfo]:
    """The functions with the line on which most own samples of all `sums` are."""
    tree = sums[0].tree
    lines = _lines(tree, *sums)
    return [
        FrameInfo(name, file, lines.get(number, 0), module)
        for number in functions.tolist()
        for name, file, _, module in [tree.functions[number]]
    ]


def _lines(tree: Tree, *sums: NodeSums) -> dict[int, int]:
    """By function, the line with most own samples; without own samples, the lowest line it was ever seen on."""
    own = np.zeros(len(tree.line_of_frame) + 1, np.int64)  # the last place takes stacks without frames
    for one in sums:
        np.add.at(own, tree.frame_of_stack[one.stack_ids], one.counts)
    order = np.lexsort((tree.line_of_frame, -own[:-1], tree.function_of_frame))
    functions = tree.function_of_frame[order]
    firsts = np.flatnonzero(np.diff(functions, prepend=-1))
    lines = tree.line_of_frame[order[firsts]]
    return dict(zip(functions[firsts].tolist(), lines.tolist(), strict=True))


def columns_of(frames: list[FrameInfo]) -> dict[str, Any]:
    """`strings`, and `frames` as columns of numbers of them; `line` stands for itself."""
    numbers: dict[str, int] = {}
    number = numbers.setdefault
    columns: dict[str, list[int]] = {
        "name": [number(frame.name, len(numbers)) for frame in frames],
        "file": [number(frame.file, len(numbers)) for frame in frames],
        "line": [frame.line for frame in frames],
        "module": [number(frame.module, len(numbers)) for frame in frames],
    }
    return {"strings": list(numbers), "frames": columns}
