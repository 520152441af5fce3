"""How points lie on disk: a hot row holds one batch's points of many series, a chunk one hour of one series.

Times are kept to the millisecond. The series of one probe share their times, so a chunk's times are stored once
for all series that have the same. Values that are decimals of at most six places are stored as integers,
as differences or plain, whichever comes out shorter; other values as the eight bytes they are.
Blobs are decoded many at a time: what NumPy costs is paid once for all that have one shape. A corrupt one is told
of in its place, and costs none of the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diagnose.store.blob import CorruptBlob, compress, decompress, shuffled, unshuffled
from diagnose.store.decimals import NOT_DECIMAL, as_decimals, pack, packed_shape, unpack, unzigzag, zigzag
from diagnose.store.manyblobs import by_shape, contents, unshuffled_rows

Times = NDArray[np.int64]
Values = NDArray[np.float64]
SeriesIds = NDArray[np.uint32]
Columns = tuple[SeriesIds, Times, Values]

_HOT, _TIMES, _FLOATS, _PLAIN, _DIFFERENCES, _SERIES = 1, 2, 3, 4, 5, 9
_POINT = np.dtype([("series", "<u4"), ("time_ms", "<i8"), ("value", "<f8")])
_U4, _U8, _F8 = np.dtype("<u4"), np.dtype("<u8"), np.dtype("<f8")


def encode_points(series: SeriesIds, times_ms: Times, values: Values) -> bytes:
    """A hot row: three columns of equal length in any order."""
    rows = np.empty(len(series), _POINT)
    rows["series"], rows["value"] = series, values
    rows["time_ms"] = np.diff(times_ms, prepend=0)
    return compress(_HOT, shuffled(rows))


def decode_points(blobs: Sequence[bytes]) -> list[Columns | CorruptBlob]:
    """The columns of each hot row."""

    def shape(_version: int, raw: bytes) -> int:
        return _length(raw, _POINT)

    def decode(_shape: int, raws: list[bytes]) -> list[Columns]:
        rows = unshuffled_rows(raws, _POINT)
        return list(zip(rows["series"], np.cumsum(rows["time_ms"], axis=1), rows["value"], strict=True))

    return by_shape(contents(blobs, {_HOT}), shape, decode)


def encode_times(times_ms: Times) -> bytes:
    """Ascending times as differences of differences."""
    steps = np.diff(times_ms, prepend=0)
    return compress(_TIMES, shuffled(zigzag(np.diff(steps, prepend=0)).astype(_U8)))


def decode_times(blobs: Sequence[bytes]) -> list[Times | CorruptBlob]:
    def shape(_version: int, raw: bytes) -> int:
        return _length(raw, _U8)

    def decode(_shape: int, raws: list[bytes]) -> list[Times]:
        bends = unzigzag(unshuffled_rows(raws, _U8).astype(np.uint64))
        return list(np.cumsum(np.cumsum(bends, axis=1), axis=1))

    return by_shape(contents(blobs, {_TIMES}), shape, decode)


def encode_values(rows: Values) -> list[bytes]:
    """Of each row of a matrix the shortest of the forms that give back exactly its values."""
    found, integers = as_decimals(rows)
    decimal = found != NOT_DECIMAL
    places, integers = found[decimal].tolist(), integers[decimal]
    plain = pack(places, integers)
    differences = pack(places, np.diff(integers, prepend=0))
    packed = (
        min(compress(_PLAIN, one), compress(_DIFFERENCES, other), key=len)
        for one, other in zip(plain, differences, strict=True)
    )
    return [
        next(packed) if is_decimal else compress(_FLOATS, shuffled(row.astype(_F8)))
        for is_decimal, row in zip(decimal.tolist(), rows, strict=True)
    ]


def decode_values(blobs: Sequence[bytes]) -> list[Values | CorruptBlob]:
    def shape(version: int, raw: bytes) -> tuple[int, int, int, int]:
        return (version, 0, 8, _length(raw, _F8)) if version == _FLOATS else (version, *packed_shape(raw))

    def decode(shape: tuple[int, int, int, int], raws: list[bytes]) -> list[Values]:
        version, places, width, _ = shape
        if version == _FLOATS:
            return list(unshuffled_rows(raws, _F8).astype(np.float64))
        integers = unpack(raws, width)
        return list((np.cumsum(integers, axis=1) if version == _DIFFERENCES else integers) / 10.0**places)

    return by_shape(contents(blobs, {_FLOATS, _PLAIN, _DIFFERENCES}), shape, decode)


def encode_series(series: SeriesIds) -> bytes:
    """Ascending ids."""
    return compress(_SERIES, shuffled(np.diff(series.astype(np.int64), prepend=0).astype(_U4)))


def decode_series(blob: bytes) -> SeriesIds:
    """Raises CorruptBlob."""
    version, raw = decompress(blob)
    if version != _SERIES:
        raise CorruptBlob(f"format version {version} is no list of series")
    return np.cumsum(unshuffled(raw, _U4), dtype=np.uint32)


def _length(raw: bytes, dtype: np.dtype[np.generic]) -> int:
    if len(raw) % dtype.itemsize:
        raise CorruptBlob(f"{len(raw)} bytes do not divide into fields of {dtype.itemsize}")
    return len(raw) // dtype.itemsize
