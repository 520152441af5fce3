"""Folded stacks, as Brendan Gregg's flamegraph.pl and many viewers read them: `a;b;c 42`, one stack a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from diagnose.store.flamegraph import StackRow

CONTENT_TYPE = "text/plain; charset=utf-8"
_NO_FRAMES = "[no frames]"
_NO_NAME = "[no name]"


def export(rows: Iterable[StackRow], *, threads: bool = False) -> str:
    """Root first, heaviest first; the format has no place for files. `threads` puts the thread's name first."""
    counts: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        names = tuple(frame.name for frame in row.frames)
        # A thread seen without frames still needs a name: readers take the text before the number.
        counts[(row.thread, *names) if threads else names or (_NO_FRAMES,)] += row.count
    return "".join(f"{';'.join(map(_plain, names))} {count}\n" for names, count in counts.most_common())


def _plain(name: str) -> str:
    """Semicolons and line breaks would end a frame or a stack, and a name of nothing but space is none."""
    return name.replace(";", ":").replace("\n", " ").replace("\r", " ").strip() or _NO_NAME
