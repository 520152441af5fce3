"""How points lie on disk: a hot row holds one batch's points of many series, a chunk one hour of one series.

Times are kept to the millisecond. The series of one probe share their times, so a chunk's times are stored once
for all series that have the same. Values that are decimals of at most six places are stored as integers,
as differences or plain, whichever comes out shorter; other values as the eight bytes they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnose.store.blob import CorruptBlob, compress, decompress, shuffled, unshuffled

Times = NDArray[np.int64]
Values = NDArray[np.float64]
SeriesIds = NDArray[np.uint32]

_HOT, _TIMES, _FLOATS, _PLAIN, _DIFFERENCES = 1, 2, 3, 4, 5
_POINT = np.dtype([("series", "<u4"), ("time_ms", "<i8"), ("value", "<f8")])
_I8, _F8 = np.dtype("<i8"), np.dtype("<f8")
_PLACES = (0, 2, 3, 6)
_EXACT = 2.0**53


def encode_points(series: SeriesIds, times_ms: Times, values: Values) -> bytes:
    """A hot row: three columns of equal length in any order."""
    rows = np.empty(len(series), _POINT)
    rows["series"], rows["value"] = series, values
    rows["time_ms"] = np.diff(times_ms, prepend=0)
    return compress(_HOT, shuffled(rows))


def decode_points(blob: bytes) -> tuple[SeriesIds, Times, Values]:
    """The columns of a hot row. Raises CorruptBlob."""
    version, raw = decompress(blob)
    if version != _HOT:
        raise CorruptBlob(f"format version {version} is no row of points")
    rows = unshuffled(raw, _POINT)
    return rows["series"], np.cumsum(rows["time_ms"]), rows["value"]


def encode_times(times_ms: Times) -> bytes:
    """Ascending times as differences of differences."""
    steps = np.diff(times_ms, prepend=0)
    return compress(_TIMES, shuffled(_zigzag(np.diff(steps, prepend=0)).astype("<u8")))


def decode_times(blob: bytes) -> Times:
    """Raises CorruptBlob."""
    version, raw = decompress(blob)
    if version != _TIMES:
        raise CorruptBlob(f"format version {version} is no list of times")
    bends = _unzigzag(unshuffled(raw, np.dtype("<u8")).astype(np.uint64))
    return np.cumsum(np.cumsum(bends))


def encode_values(values: Values) -> bytes:
    """The shortest of the forms that give back exactly these values."""
    decimal = _as_decimal(values)
    if decimal is None:
        return compress(_FLOATS, shuffled(values.astype("<f8")))
    places, integers = decimal
    plain = compress(_PLAIN, _narrowed(places, integers))
    differences = compress(_DIFFERENCES, _narrowed(places, np.diff(integers, prepend=0)))
    return min(plain, differences, key=len)


def decode_values(blob: bytes) -> Values:
    """Raises CorruptBlob."""
    version, raw = decompress(blob)
    if version == _FLOATS:
        return unshuffled(raw, _F8).astype(np.float64)
    if version not in (_PLAIN, _DIFFERENCES) or len(raw) < 2 or raw[1] not in (1, 2, 4, 8):
        raise CorruptBlob(f"format version {version} is no list of values")
    integers = _unzigzag(unshuffled(raw[2:], np.dtype(f"<u{raw[1]}")).astype(np.uint64))
    if version == _DIFFERENCES:
        integers = np.cumsum(integers)
    return integers / 10.0 ** raw[0]


def _as_decimal(values: Values) -> tuple[int, Times] | None:
    """(places, integers) such that integers / 10**places is exactly `values`; None when there is no such form."""
    if not np.all(np.abs(values) < _EXACT) or np.any(np.signbit(values) & (values == 0)):
        return None
    for places in _PLACES:
        scaled = np.rint(values * 10.0**places)
        if np.all(np.abs(scaled) < _EXACT) and np.array_equal(scaled / 10.0**places, values):
            return places, scaled.astype(np.int64)
    return None


def _narrowed(places: int, integers: Times) -> bytes:
    """A byte of decimal places, a byte of width, then the integers in the fewest bytes each."""
    folded = _zigzag(integers)
    top = int(folded.max()) if len(folded) else 0
    width = next(width for width in (1, 2, 4, 8) if top < 1 << 8 * width)
    return bytes((places, width)) + shuffled(folded.astype(f"<u{width}"))


def _zigzag(values: Times) -> NDArray[np.uint64]:
    """Small numbers of either sign become small numbers without sign."""
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def _unzigzag(values: NDArray[np.uint64]) -> Times:
    return (values >> np.uint64(1)).view(np.int64) ^ -(values & np.uint64(1)).view(np.int64)
