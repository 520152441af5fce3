"""Stacks of places become `wire.Stacks`: each string, frame and stack is written once and pointed to."""

from __future__ import annotations

from collections.abc import Sequence

from collectors import wire
from collectors.capture.native.symbols import Place
from collectors.columns import Frame, StackColumns, StackSample


class Profile:
    """What is added up of one service, or one process of it, in one interval."""

    def __init__(self) -> None:
        self._strings: dict[str, int] = {}
        self._places: dict[Place, int] = {}
        self._stacks: dict[tuple[int, ...], int] = {}
        self._values: dict[tuple[int, int], int] = {}

    @property
    def total(self) -> int:
        return sum(self._values.values())

    def add(self, frames: Sequence[Place], thread: str, value: int) -> None:
        """`frames` root first."""
        numbers = tuple(self._places.setdefault(place, len(self._places)) for place in frames)
        stack = self._stacks.setdefault(numbers, len(self._stacks))
        key = stack, self._strings.setdefault(thread, len(self._strings))
        self._values[key] = self._values.get(key, 0) + value

    def to_wire(self, head: wire.Profile) -> wire.Stacks:
        """`head` says of whom and when; its number of samples is not looked at."""
        frames = [
            Frame(self._string(place.name), self._string(place.file), 0, self._string(place.module))
            for place in self._places
        ]
        samples = [
            StackSample(stack, thread, value, "active") for (stack, thread), value in self._values.items()
        ]
        return wire.Stacks(
            head.type,
            head.unit,
            head.service,
            head.labels,
            head.start_ns,
            head.end_ns,
            head.period,
            list(self._strings),
            StackColumns.of(frames, list(self._stacks), samples),
            head.capture_id,
        )

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))
