"""Packed columns become arrays of 64-bit numbers, each bounded once, here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnose.ingest.content import Malformed

_WIDTHS = (1, 2, 4, 8)


def column(packed: bytes, what: str, end: int, length: int | None = None) -> NDArray[np.int64]:
    """Numbers in 0..end-1, `length` of them when that is given. Raises Malformed."""
    numbers = unpacked(packed, what)
    if length is not None and len(numbers) != length:
        raise Malformed(f"column {what!r} has {len(numbers)} numbers, not {length} as those beside it")
    if len(numbers) and int(numbers.max()) >= end:
        raise Malformed(f"column {what!r} has {numbers.max()}; 0 to {end - 1} is possible there")
    return numbers.astype(np.int64)


def unpacked(packed: bytes, what: str) -> NDArray[np.unsignedinteger[Any]]:
    """As they came. Raises Malformed."""
    width = packed[-1] if packed else 0
    if width not in _WIDTHS or (len(packed) - 1) % width:
        raise Malformed(f"column {what!r} has {len(packed)} bytes, not numbers of one width and that width")
    return np.frombuffer(packed, f"<u{width}", (len(packed) - 1) // width)


def fixed(data: bytes, what: str, kind: str, length: int) -> NDArray[Any]:
    """`length` numbers of a given kind. Raises Malformed."""
    width = np.dtype(kind).itemsize
    if len(data) != length * width:
        raise Malformed(f"column {what!r} has {len(data)} bytes, not {length} numbers of {width}")
    return np.frombuffer(data, kind)
