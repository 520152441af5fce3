"""Stacks in columns: what a profile has thousands of travels as packed little-endian integers, not one by one.

The reader bounds and checks them; here they are only written and, for whoever wants to look, read back.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from typing import Literal, NamedTuple

import msgspec

State = Literal["unknown", "active", "idle"]
STATES: tuple[State, ...] = ("unknown", "active", "idle")


class Frame(NamedTuple):
    """One source position; `name`, `file` and `module` index into `Stacks.strings`, line 0 is unknown."""

    name: int
    file: int
    line: int
    module: int


class StackSample(NamedTuple):
    """`value` samples of one stack in one thread; `thread` indexes `Stacks.strings`."""

    stack: int
    thread: int
    value: int
    state: State = "unknown"


class StackColumns(msgspec.Struct, frozen=True):
    """Little-endian: `sample_values` of 8 bytes, `sample_states` of one (index into STATES), all others of 4.

    `frames` has the four numbers of each `Frame` one after the other. The first `lengths[0]` of `path_frames`, root
    first, are stack 0 as indexes of frames, and so on. The four sample columns have one entry for each sample.
    """

    frames: bytes
    lengths: bytes
    path_frames: bytes
    sample_stacks: bytes
    sample_threads: bytes
    sample_values: bytes
    sample_states: bytes

    @classmethod
    def of(
        cls, frames: Iterable[Frame], stacks: Sequence[Sequence[int]], samples: Sequence[StackSample]
    ) -> StackColumns:
        """Raises OverflowError for a number that its column cannot hold."""
        return cls(
            _packed("I", chain.from_iterable(frames)),
            _packed("I", map(len, stacks)),
            _packed("I", chain.from_iterable(stacks)),
            _packed("I", (sample.stack for sample in samples)),
            _packed("I", (sample.thread for sample in samples)),
            _packed("Q", (sample.value for sample in samples)),
            bytes(STATES.index(sample.state) for sample in samples),
        )

    @property
    def total(self) -> int:
        """The sum of all samples' values."""
        return sum(_unpacked("Q", self.sample_values))

    def frame_list(self) -> list[Frame]:
        numbers = _unpacked("I", self.frames)
        return [Frame(*numbers[at : at + 4]) for at in range(0, len(numbers), 4)]

    def stack_list(self) -> list[list[int]]:
        frames, lengths = _unpacked("I", self.path_frames), _unpacked("I", self.lengths)
        ends = accumulate(lengths)
        return [frames[end - length : end] for end, length in zip(ends, lengths, strict=True)]

    def sample_list(self) -> list[StackSample]:
        columns = (
            _unpacked("I", self.sample_stacks),
            _unpacked("I", self.sample_threads),
            _unpacked("Q", self.sample_values),
            [STATES[state] for state in self.sample_states],
        )
        return [StackSample(*row) for row in zip(*columns, strict=True)]


def _packed(code: Literal["I", "Q"], numbers: Iterable[int]) -> bytes:
    column = array(code, numbers)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def _unpacked(code: Literal["I", "Q"], packed: bytes) -> list[int]:
    column = array(code, packed)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tolist()
