"""A recording becomes `wire.Stacks`: frames and names are written once and pointed to."""

from __future__ import annotations

import re

from collectors import wire
from collectors.capture import folded
from collectors.capture.pyspy import Recording
from collectors.columns import Frame, StackColumns, StackSample, State

_LIBRARY = re.compile(r".*/(?:site-packages|dist-packages|lib/python\d\.\d+)/(?P<path>.+)")


def to_wire(recording: Recording, service: str, *, capture_id: str | None = None) -> wire.Stacks:
    """`period` is the measured time that one sample stands for.

    py-spy's raw form has no time per sample, so offsets stay unknown. `cpu` and `gil` hold running threads only;
    `wall` holds all without telling which ran, so their state is unknown.
    """
    order, tables = recording.order, _Tables()
    for line in folded.parse(recording.text):
        tables.add(line)
    frames = [tables.frame(frame) for frame in tables.frames]  # adds strings, so it comes before them
    state: State = "unknown" if order.kind == "wall" else "active"
    samples = [StackSample(stack, thread, value, state) for (stack, thread), value in tables.values.items()]
    return wire.Stacks(
        type=order.kind,
        unit="samples",
        service=service,
        labels={"pid": str(order.pid)},
        start_ns=recording.start_ns,
        end_ns=recording.end_ns,
        period=recording.period_ns,
        strings=list(tables.strings),
        columns=StackColumns.of(frames, list(tables.stacks), samples),
        capture_id=capture_id,
    )


def module_of(file: str) -> str:
    """`flask.app` for a library's file, the bare name for other files: what a flame graph colours by."""
    library = _LIBRARY.fullmatch(file)
    path = library["path"] if library else file.rpartition("/")[2]
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class _Tables:
    """Strings, frames and stacks in the order they were first seen; a dict keeps the order and the index."""

    def __init__(self) -> None:
        self.strings: dict[str, int] = {}
        self.frames: dict[folded.Frame, int] = {}
        self.stacks: dict[tuple[int, ...], int] = {}
        self.values: dict[tuple[int, int], int] = {}

    def add(self, line: folded.Line) -> None:
        stack = tuple(self.frames.setdefault(frame, len(self.frames)) for frame in line.frames)
        key = (self.stacks.setdefault(stack, len(self.stacks)), self._string(line.thread))
        self.values[key] = self.values.get(key, 0) + line.count

    def frame(self, frame: folded.Frame) -> Frame:
        module = self._string(module_of(frame.file))
        return Frame(self._string(frame.name), self._string(frame.file), frame.line, module)

    def _string(self, text: str) -> int:
        return self.strings.setdefault(text, len(self.strings))
