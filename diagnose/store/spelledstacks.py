"""Stacks of what is not in the store, such as a file: in words, by their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diagnose.store.levels import Numbers
from diagnose.store.names import FrameInfo


@dataclass(frozen=True, slots=True, eq=False)
class SpelledStacks:
    """`stacks` are threads with places in `frames`, root first."""

    frames: list[FrameInfo]
    stacks: list[tuple[str, Numbers]]

    @staticmethod
    def joined(parts: Sequence[SpelledStacks]) -> SpelledStacks:
        """The frames and stacks of each after those of the one before."""
        frames: list[FrameInfo] = []
        stacks: list[tuple[str, Numbers]] = []
        for part in parts:
            begin = len(frames)
            frames += part.frames
            stacks += [(thread, path + begin) for thread, path in part.stacks]
        return SpelledStacks(frames, stacks)

    def words(self, number: int) -> tuple[str, tuple[FrameInfo, ...]]:
        thread, path = self.stacks[number]
        return thread, tuple([self.frames[frame] for frame in path.tolist()])

    def frames_from(self, number: int) -> list[FrameInfo]:
        return self.frames[number:]

    def stacks_from(self, number: int) -> list[tuple[str, Numbers]]:
        return self.stacks[number:]
