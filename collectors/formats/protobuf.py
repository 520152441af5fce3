"""The wire format of protocol buffers (protobuf.dev/programming-guides/encoding), read with bounds.

A message is a row of fields, each a number with a varint, eight or four fixed bytes, or bytes of a stated length.
"""

from __future__ import annotations

import re

from collectors.formats.profile import BadProfile

# Of one message: an empty field takes two bytes on the wire and fifty times as many here.
MOST_FIELDS = 1_000_000
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES = {_FIXED64: 8, _FIXED32: 4}
_SIZED = {_BYTES, *_FIXED_BYTES}
_MOST_VARINT_BYTES = 10
_VARINT_BYTES = re.compile(rb"[\x80-\xff]*[\x00-\x7f]")
_HALF, _WHOLE = 1 << 63, 1 << 64


def fields(data: bytes, what: str) -> list[tuple[int, int | bytes]]:
    """All fields in their order; varints are unsigned. Raises BadProfile that names `what` and the place.

    Numbers below 128 are read in place: nearly all are, and a call for each would double the time.
    """
    found: list[tuple[int, int | bytes]] = []
    at, end = 0, len(data)
    try:
        while at < end:
            tag = data[at]
            at += 1
            if tag > 127:
                tag, at = _number(data, at - 1, what)
            kind = tag & 7
            if kind in _FIXED_BYTES:
                size = _FIXED_BYTES[kind]
            else:
                size = data[at]
                at += 1
                if size > 127:
                    size, at = _number(data, at - 1, what)
            if kind == _VARINT:
                found.append((tag >> 3, size))
                continue
            found.append((tag >> 3, data[at : at + size]))
            at += size
            if at > end or kind not in _SIZED or len(found) > MOST_FIELDS:
                raise BadProfile(_fault(tag, at - end, what))
    except IndexError:
        raise BadProfile(
            f"{what} ends in the middle of a field, after {end} bytes: it was cut short"
        ) from None
    return found


def _fault(tag: int, beyond: int, what: str) -> str:
    if tag & 7 not in _SIZED:
        return f"field {tag >> 3} of {what} has the wire type {tag & 7}: it is no profile"
    if beyond > 0:
        return f"field {tag >> 3} of {what} says {beyond} bytes more than there are: it was cut short"
    return f"{what} has more than {MOST_FIELDS} fields: record a shorter time"


class Varints(dict[bytes, int]):
    """Numbers by the bytes that spell them, each read once: in a profile the same come again and again."""

    def __missing__(self, spelled: bytes) -> int:
        self[spelled] = value = _number(spelled, 0, "a list of numbers")[0]
        return value

    def packed(self, data: bytes, what: str) -> list[int]:
        """Unsigned varints one after the other. Raises BadProfile."""
        if data.isascii():  # a varint below 128 is one byte
            return list(data)
        if data[-1] > 127:
            raise BadProfile(
                f"{what} ends in the middle of a number, after {len(data)} bytes: it was cut short"
            )
        return list(map(self.__getitem__, _VARINT_BYTES.findall(data)))


def signed(value: int) -> int:
    """As an int64, which is what most numbers of pprof are."""
    return value - _WHOLE if value >= _HALF else value


def _number(data: bytes, at: int, what: str) -> tuple[int, int]:
    """The varint at `at`, and where it ends. IndexError when the data end before."""
    value = data[at]
    if value < 128:
        return value, at + 1
    value &= 127
    for place in range(1, _MOST_VARINT_BYTES):
        byte = data[at + place]
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value & _WHOLE - 1, at + place + 1
    raise BadProfile(
        f"a number of {what} at byte {at} has more than {_MOST_VARINT_BYTES} bytes: it is no profile"
    )
