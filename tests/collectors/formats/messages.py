"""Protocol buffers written by hand, for tests that need them right, or wrong in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def varint(value: int) -> bytes:
    value %= 1 << 64
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])


def message(fields: Sequence[tuple[int, int | str | bytes]]) -> bytes:
    written = b""
    for number, value in fields:
        if isinstance(value, int):
            written += varint(number << 3) + varint(value)
        else:
            content = value.encode() if isinstance(value, str) else value
            written += varint(number << 3 | 2) + varint(len(content)) + content
    return written


def pprof(
    samples: Mapping[str, Sequence[int]],
    value_types: Sequence[tuple[str, str]] = (("samples", "count"), ("cpu", "nanoseconds")),
    period: int = 10_000_000,
    *more: tuple[int, int | bytes],
) -> bytes:
    """Of folded stacks with their values; each name is a function in `code.go` at line 7."""
    strings = [""]

    def string(text: str) -> int:
        if text not in strings:
            strings.append(text)
        return strings.index(text)

    names = list(dict.fromkeys(name for stack in samples for name in stack.split(";") if name))
    body: list[tuple[int, int | bytes]] = [
        (1, message([(1, string(kind)), (2, string(unit))])) for kind, unit in value_types
    ]
    for stack, values in samples.items():
        where = [names.index(name) + 1 for name in reversed(stack.split(";")) if name]
        packed = b"".join(map(varint, where)), b"".join(map(varint, values))
        body.append((2, message([(1, packed[0]), (2, packed[1])])))
    for number, name in enumerate(names, 1):
        body.append((4, message([(1, number), (4, message([(1, number), (2, 7)]))])))
        body.append((5, message([(1, number), (2, string(name)), (4, string("code.go"))])))
    body.append((12, period))
    body += more
    return message([*body, *((6, text) for text in strings)])
