"""How a piece of summed up points lies on disk: its coverage, once for all series that share it, and its values.

Values that are decimals of at most six places are whole numbers in the fewest bytes: about the mean (above the least
of them), how far the least value lies below and the greatest above it, and what is left of the sum. Others are three
rows of the eight bytes they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diagnose.store.blob import CorruptBlob, compress, shuffled
from diagnose.store.decimals import NOT_DECIMAL, PLACES, Integers, as_decimals, pack, packed_shape, unpack
from diagnose.store.manyblobs import by_shape, contents, unshuffled_rows
from diagnose.store.summaries import Coverage, Times, Values

_COVERAGE, _FLOATS, _DECIMALS = 6, 7, 8
_U4, _F8 = np.dtype("<u4"), np.dtype("<f8")
_HEAD, _USUAL_BYTES = 3, 2
_MOST = 0xFFFF
# Decimals added as floats are off by some last bits, never by so large a share of what was added.
_ROUNDING = 1e-12


def encode_coverage(one: Coverage, base_ms: int) -> bytes:
    """`base_ms` is the beginning of its hour or day: milliseconds of a day fit into four bytes."""
    head = np.array([one.first_ms - base_ms, one.last_ms - base_ms, one.usual_ms], np.int64)
    columns = (head, one.starts_ms - base_ms, one.counts, one.covered_ms)
    return compress(_COVERAGE, shuffled(np.concatenate(columns).astype(_U4)))


def decode_coverages(blobs: Sequence[bytes], bases_ms: Sequence[int]) -> list[Coverage | CorruptBlob]:
    """`bases_ms` as they were encoded with."""

    def shape(_version: int, raw: bytes) -> int:
        buckets, rest = divmod(len(raw) - _HEAD * _U4.itemsize, 3 * _U4.itemsize)
        if rest or buckets < 1:
            raise CorruptBlob(f"{len(raw)} bytes are no coverage")
        return buckets

    def decode(_buckets: int, raws: list[bytes]) -> list[Times]:
        return list(unshuffled_rows(raws, _U4).astype(np.int64))

    rows = by_shape(contents(blobs, {_COVERAGE}), shape, decode)
    return [
        row if isinstance(row, CorruptBlob) else _coverage(row, base)
        for row, base in zip(rows, bases_ms, strict=True)
    ]


def _coverage(row: Times, base_ms: int) -> Coverage:
    first, last, usual = row[:_HEAD].tolist()
    starts, counts, covered = row[_HEAD:].reshape(3, -1)
    return Coverage(starts + base_ms, counts, covered, first + base_ms, last + base_ms, usual)


def encode_values(values: Values, counts: Times) -> list[bytes]:
    """Of many series: (3, series, buckets), the least, the greatest and the sum of `counts` points each."""
    found, integers = _as_decimals(values, counts)
    usual = max(1, min(int(np.median(counts)), _MOST))
    decimal = found != NOT_DECIMAL
    lows, highs, sums = integers[:, decimal]
    means = sums // usual
    base = means.min(axis=1, keepdims=True)
    rows = np.concatenate((base, means - base, means - lows, highs - means, sums - usual * means), axis=1)
    packed = iter(pack(found[decimal].tolist(), rows))
    head = usual.to_bytes(_USUAL_BYTES, "little")
    return [
        compress(_DECIMALS, head + next(packed))
        if is_decimal
        else compress(_FLOATS, shuffled(values[:, row].ravel().astype(_F8)))
        for row, is_decimal in enumerate(decimal.tolist())
    ]


def decode_values(blobs: Sequence[bytes]) -> list[Values | CorruptBlob]:
    """Three rows each."""

    def shape(version: int, raw: bytes) -> tuple[int, int, int, int, int]:
        if version == _FLOATS:
            if not raw or len(raw) % (3 * _F8.itemsize):
                raise CorruptBlob(f"{len(raw)} bytes are no three rows of floats")
            return version, 0, 0, _F8.itemsize, len(raw)
        places, width, length = packed_shape(raw[_USUAL_BYTES:])
        if length < 5 or length % 4 != 1:
            raise CorruptBlob(f"{length} integers are no base and four rows")
        return version, int.from_bytes(raw[:_USUAL_BYTES], "little"), places, width, length

    def decode(key: tuple[int, int, int, int, int], raws: list[bytes]) -> list[Values]:
        version, usual, places, width, _ = key
        if version == _FLOATS:
            return list(unshuffled_rows(raws, _F8).reshape(len(raws), 3, -1).astype(np.float64))
        rows = unpack([raw[_USUAL_BYTES:] for raw in raws], width)
        means, below, above, rest = rows[:, 1:].reshape(len(raws), 4, -1).transpose(1, 0, 2)
        means = means + rows[:, :1]
        return list(np.stack((means - below, means + above, means * usual + rest), axis=1) / 10.0**places)

    return by_shape(contents(blobs, {_FLOATS, _DECIMALS}), shape, decode)


def _as_decimals(values: Values, counts: Times) -> tuple[Integers, Integers]:
    """(places by series, integers (3, series, buckets)); sums but for what adding them as floats left behind."""
    lows, highs, sums = values
    slack = _ROUNDING * counts * np.maximum(np.abs(lows), np.abs(highs))
    places, integers = np.full(len(lows), NOT_DECIMAL), np.zeros(values.shape, np.int64)
    for tried in PLACES:
        with np.errstate(over="ignore", invalid="ignore"):
            near = np.rint(sums * 10.0**tried) / 10.0**tried
            wanted = np.flatnonzero((places == NOT_DECIMAL) & np.all(np.abs(near - sums) <= slack, axis=1))
        found, exact = as_decimals(np.concatenate((lows[wanted], highs[wanted], near[wanted]), axis=1))
        fits = (found != NOT_DECIMAL) & (found <= tried)
        places[wanted[fits]] = found[fits]
        integers[:, wanted[fits]] = exact[fits].reshape(-1, 3, values.shape[2]).transpose(1, 0, 2)
    return places, integers
