"""pprof for `go tool pprof` and all that reads it: gzipped protocol buffers, leaf first, each name once."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable, Iterator

from diagnose.store.flamegraph import StackRow
from diagnose.store.names import FrameInfo
from diagnose.store.profiles import Merged

CONTENT_TYPE = "application/octet-stream"
_MOST_VALUE = (1 << 63) - 1
_BYTES = 2  # the wire type of what has a length
# What the unit of a stored type is called in pprof; samples are told twice, as Go does: counted, and as time.
_NAMES = {"mutex": "delay", "block": "delay"}


def export(
    merged: Merged, rows: Iterable[StackRow], *, start_ns: int, end_ns: int, threads: bool = False
) -> bytes:
    """The field numbers are those of github.com/google/pprof/proto/profile.proto."""
    writer = _Writer()
    body = bytearray()
    sampled = merged.unit == "samples"
    name = _NAMES.get(merged.type, merged.type)
    types = [("samples", "count"), (name, "nanoseconds")] if sampled else [(name, merged.unit)]
    for kind, unit in types:
        body += _message(1, writer.value_type(kind, unit))
    for (thread, frames), count in _counted(rows, threads).items():
        whole = min(count * merged.period_ns, _MOST_VALUE)
        values = (count, whole) if sampled else (whole,)
        body += _message(2, writer.sample(thread, frames, values))
    body += b"".join(writer.tables())
    period_type = _message(11, writer.value_type(*types[-1]))
    body += b"".join(_message(6, text.encode()) for text in writer.strings)
    body += _number(9, start_ns) + _number(10, end_ns - start_ns)
    body += period_type + _number(12, merged.period_ns if sampled else 1)
    return gzip.compress(bytes(body), 6, mtime=0)


def _counted(rows: Iterable[StackRow], threads: bool) -> Counter[tuple[str, tuple[FrameInfo, ...]]]:
    counts: Counter[tuple[str, tuple[FrameInfo, ...]]] = Counter()
    for row in rows:
        counts[(row.thread if threads else "", row.frames)] += row.count
    return counts


class _Writer:
    """Strings, functions and locations in the order of their first use."""

    def __init__(self) -> None:
        self.strings: dict[str, int] = {"": 0}
        self._functions: dict[tuple[str, str], int] = {}
        self._locations: dict[FrameInfo, int] = {}

    def value_type(self, kind: str, unit: str) -> bytes:
        return _number(1, self._string(kind)) + _number(2, self._string(unit))

    def sample(self, thread: str, frames: tuple[FrameInfo, ...], values: tuple[int, ...]) -> bytes:
        where = [self._locations.setdefault(frame, len(self._locations) + 1) for frame in reversed(frames)]
        label = _number(1, self._string("thread")) + _number(2, self._string(thread)) if thread else b""
        return (
            _message(1, b"".join(map(_varint, where)))
            + _message(2, b"".join(map(_varint, values)))
            + (_message(3, label) if label else b"")
        )

    def tables(self) -> Iterator[bytes]:
        """Locations, then functions: all samples are written by now."""
        for frame, number in self._locations.items():
            key = (frame.name, frame.file)
            function = self._functions.setdefault(key, len(self._functions) + 1)
            line = _number(1, function) + (_number(2, frame.line) if frame.line else b"")
            yield _message(4, _number(1, number) + _message(4, line))
        for (name, file), number in self._functions.items():
            text = self._string(name)
            yield _message(
                5, _number(1, number) + _number(2, text) + _number(3, text) + _number(4, self._string(file))
            )

    def _string(self, text: str) -> int:
        return self.strings.setdefault(text, len(self.strings))


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(body)) + body
