"""Floats that are decimals of few places, as whole numbers in the fewest bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diagnose.store.blob import CorruptBlob, shuffled
from diagnose.store.manyblobs import unshuffled_rows

Integers = NDArray[np.int64]
Values = NDArray[np.float64]

# Whole numbers below this are exact as floats.
EXACT = 2.0**53
PLACES = (0, 2, 3, 6)
NOT_DECIMAL = -1
_WIDTHS = (1, 2, 4, 8)
_HEAD_BYTES = 2


def as_decimals(rows: Values) -> tuple[Integers, Integers]:
    """(places, integers) of each row of a matrix, such that integers / 10**places is exactly the row.

    The places are NOT_DECIMAL where there is no such form.
    """
    places = np.full(len(rows), NOT_DECIMAL)
    integers = np.zeros(rows.shape, np.int64)
    left = np.flatnonzero(np.all((np.abs(rows) < EXACT) & ~(np.signbit(rows) & (rows == 0)), axis=1))
    for tried in PLACES:
        wanted = rows[left]
        scaled = np.rint(wanted * 10.0**tried)
        fits = np.all((np.abs(scaled) < EXACT) & (scaled / 10.0**tried == wanted), axis=1)
        places[left[fits]], integers[left[fits]] = tried, scaled[fits].astype(np.int64)
        left = left[~fits]
        if not len(left):
            break
    return places, integers


def pack(places: Sequence[int], rows: Integers) -> list[bytes]:
    """Of each row a byte of decimal places, a byte of width, then its integers in the fewest bytes each."""
    folded = zigzag(rows)
    tops = folded.max(axis=1).tolist() if folded.size else [0] * len(rows)
    packed = []
    for place, row, top in zip(places, folded, tops, strict=True):
        width = next(width for width in _WIDTHS if top < 1 << 8 * width)
        packed.append(bytes((place, width)) + shuffled(row.astype(f"<u{width}")))
    return packed


def packed_shape(raw: bytes) -> tuple[int, int, int]:
    """(places, width, how many). Raises CorruptBlob."""
    if len(raw) < _HEAD_BYTES or raw[1] not in _WIDTHS or (len(raw) - _HEAD_BYTES) % raw[1]:
        raise CorruptBlob(
            f"{len(raw)} bytes that begin with {raw[:_HEAD_BYTES].hex()} are no packed integers"
        )
    return raw[0], raw[1], (len(raw) - _HEAD_BYTES) // raw[1]


def unpack(raws: Sequence[bytes], width: int) -> Integers:
    """Packed integers of one width and length, a row each."""
    rows = unshuffled_rows([raw[_HEAD_BYTES:] for raw in raws], np.dtype(f"<u{width}"))
    return unzigzag(rows.astype(np.uint64))


def zigzag(values: Integers) -> NDArray[np.uint64]:
    """Small numbers of either sign become small numbers without sign."""
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def unzigzag(values: NDArray[np.uint64]) -> Integers:
    return (values >> np.uint64(1)).view(np.int64) ^ -(values & np.uint64(1)).view(np.int64)
