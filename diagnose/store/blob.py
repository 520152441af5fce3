"""How a profile lies on disk: sorted stack ids and their counts, as delta, byte shuffle and zstd-1.

The first byte is the format: 1 holds counts of 32 bits, 2 of 64. zstd's own checksum tells a damaged blob.
Measured on profiles of 150-400 stacks: 482 bytes against 2,243 raw, 14 µs to encode and 16 to decode.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

Ids = NDArray[np.uint32]
Counts = NDArray[np.int64]

_NARROW, _WIDE = 1, 2
_FIELDS = {
    _NARROW: np.dtype([("id", "<u4"), ("count", "<u4")]),
    _WIDE: np.dtype([("id", "<u4"), ("count", "<u8")]),
}
# More than any profile that ingest lets through can need; a damaged header must not allocate gigabytes.
_MAX_BYTES = 64 * 1024 * 1024
# Fewer profiles than this are encoded faster one by one.
_FEW = 8


class CorruptBlob(Exception):
    """A stored array that cannot be read back; the message says why."""


class _Codec(threading.local):
    """zstd contexts are not to be shared between threads."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=1, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()


_codec = _Codec()


def compress(version: int, raw: bytes) -> bytes:
    """One byte of format version, then one zstd frame."""
    return bytes((version,)) + _codec.compressor.compress(raw)


def decompress(blob: bytes) -> tuple[int, bytes]:
    """Format version and content. Raises CorruptBlob."""
    if len(blob) < 2:
        raise CorruptBlob(f"{len(blob)} bytes are no blob")
    frame = blob[1:]
    try:
        # zstd allocates what the header says before it reads on.
        if not 0 <= zstandard.frame_content_size(frame) <= _MAX_BYTES:
            raise CorruptBlob(f"its header does not say a size of up to {_MAX_BYTES} bytes")
        raw = _codec.decompressor.decompress(frame)
    except zstandard.ZstdError as error:
        raise CorruptBlob(str(error)) from None
    return blob[0], raw


def shuffled(values: NDArray[Any]) -> bytes:
    """All first bytes, then all second bytes, and so on: equal high bytes then stand together."""
    width = values.dtype.itemsize
    return values.view(np.uint8).reshape(-1, width).T.tobytes()


def unshuffled(raw: bytes, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The inverse of `shuffled`. Raises CorruptBlob when the length does not fit."""
    width = dtype.itemsize
    if len(raw) % width:
        raise CorruptBlob(f"{len(raw)} bytes do not divide into fields of {width}")
    planes = np.frombuffer(raw, np.uint8).reshape(width, -1)
    return np.ascontiguousarray(planes.T).view(dtype).reshape(-1)


def summed(ids: NDArray[np.integer[Any]], counts: NDArray[np.integer[Any]]) -> tuple[Ids, Counts]:
    """Ids sorted and unique, the counts of equal ones added; ids without any count are left out."""
    if len(ids) == 0:
        return np.empty(0, np.uint32), np.empty(0, np.int64)
    totals = np.zeros(int(ids.max()) + 1, np.int64)
    np.add.at(totals, ids, counts.astype(np.int64, copy=False))
    present = np.flatnonzero(totals)
    return present.astype(np.uint32), totals[present]


def encode_counts(ids: Ids, counts: Counts) -> bytes:
    """`ids` ascending and unique, `counts` not negative and of the same length."""
    version = _WIDE if len(counts) and int(counts.max()) > 0xFFFFFFFF else _NARROW
    rows = np.empty(len(ids), _FIELDS[version])
    rows["id"][:1] = ids[:1]
    np.subtract(ids[1:], ids[:-1], out=rows["id"][1:])
    rows["count"] = counts
    return compress(version, shuffled(rows))


def encode_many(profiles: Sequence[tuple[Ids, Counts]]) -> list[bytes]:
    """As `encode_counts` of each: many narrow ones are laid out together, at three quarters of the cost."""
    if len(profiles) < _FEW:
        return [encode_counts(*one) for one in profiles]
    ids = np.concatenate([np.empty(0, np.uint32), *(one[0] for one in profiles)])
    counts = np.concatenate([np.empty(0, np.int64), *(one[1] for one in profiles)])
    if len(counts) and int(counts.max()) > 0xFFFFFFFF:
        return [encode_counts(*one) for one in profiles]
    rows = np.empty(len(ids), _FIELDS[_NARROW])
    np.subtract(ids[1:], ids[:-1], out=rows["id"][1:])
    rows["count"] = counts
    lengths = np.array([len(one[0]) for one in profiles], np.int64)
    begins = np.cumsum(lengths) - lengths
    first = begins[lengths > 0]
    rows["id"][first] = ids[first]
    parts = zip(begins.tolist(), lengths.tolist(), strict=True)
    return [compress(_NARROW, shuffled(rows[begin : begin + length])) for begin, length in parts]


def decode_counts(blob: bytes) -> tuple[Ids, Counts]:
    """One profile's ids and counts. Raises CorruptBlob."""
    version, raw = decompress(blob)
    if version not in _FIELDS:
        raise CorruptBlob(f"format version {version} is not known; this server reads 1 and 2")
    rows = unshuffled(raw, _FIELDS[version])
    return np.cumsum(rows["id"], dtype=np.uint32), rows["count"].astype(np.int64)


def decode_many(blobs: Sequence[bytes]) -> tuple[Ids, Counts, NDArray[np.int64]]:
    """Ids and counts of all blobs one after the other, and how many are of each; -1 for a corrupt one.

    Nearly all are narrow: those are decoded plane by plane into one array, at half of the cost.
    """
    raws = _narrow_contents(blobs)
    width = _FIELDS[_NARROW].itemsize
    lengths = np.array([-1 if raw is None else len(raw) // width for raw in raws], np.int64)
    filled = [(raw, len(raw) // width) for raw in raws if raw]
    ids = np.cumsum(_joined(filled, 0), dtype=np.uint32)
    counts = _joined(filled, 4).astype(np.int64)
    repeats = np.array([length for _, length in filled], np.int64)
    before = np.concatenate((np.zeros(1, np.uint32), ids[np.cumsum(repeats) - 1]))[:-1]
    return ids - np.repeat(before, repeats), counts, lengths


def is_wide(blob: bytes) -> bool:
    """Whether `decode_many` cannot take it."""
    return blob[:1] == bytes((_WIDE,))


def _joined(raws: Sequence[tuple[bytes, int]], first: int) -> NDArray[np.uint32]:
    """One field of 32 bits of all: its planes are `first` and the three after it, each as long as told."""
    field = np.zeros(sum(length for _, length in raws), np.uint32)
    for byte in range(4):
        at = first + byte
        plane = b"".join([raw[at * length : (at + 1) * length] for raw, length in raws])
        values = np.frombuffer(plane, np.uint8)
        if len(values) and values.max():  # high bytes are nearly always nothing
            field |= values.astype(np.uint32) << (8 * byte)
    return field


def _narrow_contents(blobs: Sequence[bytes]) -> Sequence[bytes | None]:
    """Without asking after each; only when any is damaged one by one, to tell which."""
    try:
        frames = [blob[1:] for blob in blobs if blob[0] == _NARROW]
        sizes = list(map(zstandard.frame_content_size, frames))
        if len(frames) == len(blobs) and sizes and min(sizes) >= 0 and max(sizes) <= _MAX_BYTES:
            raws = list(map(_codec.decompressor.decompress, frames))
            if not any(len(raw) % _FIELDS[_NARROW].itemsize for raw in raws):
                return raws
    except (zstandard.ZstdError, IndexError):
        pass
    return [_narrow_content(blob) for blob in blobs]


def _narrow_content(blob: bytes) -> bytes | None:
    try:
        version, raw = decompress(blob)
    except CorruptBlob:
        return None
    return raw if version == _NARROW and len(raw) % _FIELDS[_NARROW].itemsize == 0 else None
