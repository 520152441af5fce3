"""How far a collector's spool is done: a high-water mark, what is done above it, and what will never come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything up to `committed` is done; of that, `gaps` (both ends inclusive) will never come."""

    committed: int
    gaps: tuple[tuple[int, int], ...] = ()


def advance(committed: int, done_above: Iterable[int], oldest: int) -> Progress:
    """The mark after `done_above` are done and the spool holds nothing older than `oldest`."""
    gaps = []
    for seq in sorted(done_above):
        if seq <= committed:
            continue
        if seq > committed + 1:
            if committed + 1 >= oldest:
                break
            gaps.append((committed + 1, min(seq, oldest) - 1))
            committed = min(seq, oldest) - 1
            if seq > committed + 1:
                break
        committed = seq
    return Progress(committed, tuple(gaps))
