"""A profile in the making: frames and names are written once and pointed to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collectors.capture.folded import Frame
from collectors.columns import Frame as FrameRow
from collectors.columns import StackColumns, StackSample, State

_LIBRARY = re.compile(r".*/(?:site-packages|dist-packages|lib/python\d\.\d+)/(?P<path>.+)")


class Interned:
    """Strings, frames and stacks in the order they were first seen; a dict keeps the order and the index."""

    def __init__(self) -> None:
        self._strings: dict[str, int] = {}
        self._frames: dict[Frame, int] = {}
        self._stacks: dict[tuple[int, ...], int] = {}
        self._values: dict[tuple[int, int, State, int | None], int] = {}

    def add(
        self,
        frames: Sequence[Frame],
        thread: str,
        count: int,
        state: State,
        offset_ms: int | None = None,
    ) -> None:
        """So many samples more of this stack, root first, in this thread, taken so long after the profile's start."""
        stack = tuple(self._frames.setdefault(frame, len(self._frames)) for frame in frames)
        key = (self._stacks.setdefault(stack, len(self._stacks)), self._string(thread), state, offset_ms)
        self._values[key] = self._values.get(key, 0) + count

    def columns(self) -> tuple[list[str], StackColumns]:
        """All strings, and the columns that name them."""
        frames = [self._row(frame) for frame in self._frames]
        samples = [
            StackSample(stack, thread, value, state, offset_ms)
            for (stack, thread, state, offset_ms), value in self._values.items()
        ]
        return list(self._strings), StackColumns.of(frames, list(self._stacks), samples)

    def _row(self, frame: Frame) -> FrameRow:
        module = self._string(module_of(frame.file))
        return FrameRow(self._string(frame.name), self._string(frame.file), frame.line, module)

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))


def module_of(file: str) -> str:
    """`flask.app` for a library's file, the bare name for other files: what a flame graph colours by."""
    library = _LIBRARY.fullmatch(file)
    path = library["path"] if library else file.rpartition("/")[2]
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
