"""Numbers in columns: what a profile has thousands of is kept and travels as packed integers, not one by one.

In memory columns are arrays of machine integers. On the wire they are little-endian in the least width that holds
them all, and the last byte says which. The server bounds and checks them; here they are only written and read back.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from typing import Any, Literal, NamedTuple

State = Literal["unknown", "active", "idle"]
STATES: tuple[State, ...] = ("unknown", "active", "idle")
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Frame(NamedTuple):
    """One source position; `name`, `file` and `module` index into `Stacks.strings`, line 0 is unknown."""

    name: int
    file: int
    line: int
    module: int


class StackSample(NamedTuple):
    """`value` samples of one stack in one thread; `thread` indexes `Stacks.strings`.

    `offset_ms` is when they were taken, from the profile's start; None is unknown.
    """

    stack: int
    thread: int
    value: int
    state: State = "unknown"
    offset_ms: int | None = None


class StackColumns(NamedTuple):
    """The four numbers of each `Frame` one after the other; lengths of stacks and their frames, root first.

    The sample columns have one entry for each sample: `sample_states` index into STATES, `sample_offsets` are
    milliseconds plus one, 0 where the time is unknown.
    """

    frames: array[int]
    lengths: array[int]
    path_frames: array[int]
    sample_stacks: array[int]
    sample_threads: array[int]
    sample_values: array[int]
    sample_states: array[int]
    sample_offsets: array[int]

    @classmethod
    def of(
        cls, frames: Iterable[Frame], stacks: Sequence[Sequence[int]], samples: Sequence[StackSample]
    ) -> StackColumns:
        """Raises OverflowError for a number that its column cannot hold."""
        return cls(
            array("I", chain.from_iterable(frames)),
            array("I", map(len, stacks)),
            array("I", chain.from_iterable(stacks)),
            array("I", (sample.stack for sample in samples)),
            array("I", (sample.thread for sample in samples)),
            array("Q", (sample.value for sample in samples)),
            array("B", (STATES.index(sample.state) for sample in samples)),
            array("I", (0 if sample.offset_ms is None else sample.offset_ms + 1 for sample in samples)),
        )

    @property
    def total(self) -> int:
        """The sum of all samples' values."""
        return sum(self.sample_values)

    @property
    def size_bytes(self) -> int:
        return sum(len(column) * column.itemsize for column in self)

    def frame_list(self) -> list[Frame]:
        return [Frame(*self.frames[at : at + 4]) for at in range(0, len(self.frames), 4)]

    def stack_list(self) -> list[list[int]]:
        ends = accumulate(self.lengths)
        return [
            self.path_frames[end - length : end].tolist()
            for end, length in zip(ends, self.lengths, strict=True)
        ]

    def sample_list(self) -> list[StackSample]:
        rows = zip(*self[3:], strict=True)
        return [
            StackSample(stack, thread, value, STATES[state], offset - 1 if offset else None)
            for stack, thread, value, state, offset in rows
        ]


def packed(numbers: Iterable[int]) -> bytes:
    """The least width for them all, in bytes, after the numbers. Raises OverflowError beyond 64 bits or below 0."""
    wide = array("Q", numbers)
    highest = max(wide, default=0)
    width = next(width for width in _CODES if highest < 1 << 8 * width)
    return fixed(array(_CODES[width], wide)) + bytes((width,))


def fixed(column: array[int] | array[float]) -> bytes:
    """Little-endian in the width that the column has."""
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()


def unpacked(data: bytes) -> list[int]:
    """The inverse of `packed`."""
    return of_fixed(_CODES[data[-1]], data[:-1])


def of_fixed(code: str, data: bytes) -> list[Any]:
    """The inverse of `fixed`."""
    column: array[Any] = array(code, data)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tolist()
