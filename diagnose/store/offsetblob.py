"""How sample times lie on disk: stack, offset and count of each sample, as delta, byte shuffle and zstd-1.

The first byte is the format: 1 holds counts of 32 bits, 2 of 64. Within a stack the offsets ascend; where another
stack begins, their difference wraps.
"""

from __future__ import annotations

import numpy as np

from diagnose.store.blob import CorruptBlob, compress, decompress, shuffled, unshuffled
from diagnose.store.rows import Offsets

_NARROW, _WIDE = 1, 2
_FIELDS = {
    _NARROW: np.dtype([("id", "<u4"), ("offset", "<u4"), ("count", "<u4")]),
    _WIDE: np.dtype([("id", "<u4"), ("offset", "<u4"), ("count", "<u8")]),
}


def encode_offsets(offsets: Offsets) -> bytes:
    """Ascending by stack and offset, counts not negative."""
    counts = offsets.counts
    version = _WIDE if len(counts) and int(counts.max()) > 0xFFFFFFFF else _NARROW
    rows = np.empty(len(counts), _FIELDS[version])
    rows["id"] = np.diff(offsets.stack_ids.astype(np.uint32, copy=False), prepend=np.uint32(0))
    rows["offset"] = np.diff(offsets.offsets_ms.astype(np.uint32, copy=False), prepend=np.uint32(0))
    rows["count"] = counts
    return compress(version, shuffled(rows))


def decode_offsets(blob: bytes) -> Offsets:
    """Raises CorruptBlob."""
    version, raw = decompress(blob)
    if version not in _FIELDS:
        raise CorruptBlob(f"format version {version} is not known; this server reads 1 and 2")
    rows = unshuffled(raw, _FIELDS[version])
    ids, offsets = (np.cumsum(rows[name], dtype=np.uint32) for name in ("id", "offset"))
    return Offsets(ids, offsets, rows["count"].astype(np.int64))
