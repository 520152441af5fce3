"""Decoding many blobs at a time: what NumPy costs a call is paid once for all of one shape, not for each.

A blob that cannot be read has its error in its place, and costs none of the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from diagnose.store.blob import CorruptBlob, decompress

Shape = TypeVar("Shape", bound=Hashable)
Decoded = TypeVar("Decoded")
Content = tuple[int, bytes]


def contents(blobs: Iterable[bytes], versions: Collection[int]) -> list[Content | CorruptBlob]:
    """Format version, one of `versions`, and content of each."""
    return [_content(blob, versions) for blob in blobs]


def _content(blob: bytes, versions: Collection[int]) -> Content | CorruptBlob:
    try:
        found = decompress(blob)
    except CorruptBlob as error:
        return error
    if found[0] not in versions:
        known = ", ".join(map(str, sorted(versions)))
        return CorruptBlob(f"format version {found[0]} is none of {known}, which are what is read here")
    return found


def by_shape(
    found: Sequence[Content | CorruptBlob],
    shape: Callable[[int, bytes], Shape],
    decode: Callable[[Shape, list[bytes]], Sequence[Decoded]],
) -> list[Decoded | CorruptBlob]:
    """What `decode` makes of all contents of one shape, each in its place; `shape` may raise CorruptBlob."""
    decoded: list[Any] = list(found)
    alike: dict[Shape, list[int]] = defaultdict(list)
    for place, one in enumerate(found):
        if not isinstance(one, CorruptBlob):
            try:
                alike[shape(*one)].append(place)
            except CorruptBlob as error:
                decoded[place] = error
    for key, places in alike.items():
        results = decode(key, [decoded[place][1] for place in places])
        for place, result in zip(places, results, strict=True):
            decoded[place] = result
    return decoded


def unshuffled_rows(raws: Sequence[bytes], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The inverse of `blob.shuffled` for many of one length: a row each."""
    planes = np.frombuffer(b"".join(raws), np.uint8).reshape(len(raws), dtype.itemsize, -1)
    return np.ascontiguousarray(planes.transpose(0, 2, 1)).view(dtype)[:, :, 0]
