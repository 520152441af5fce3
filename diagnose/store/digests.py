"""128-bit digests of many rows at once, as two 64-bit lanes.

What tells a stack in a thread apart is mixed of numbers (the collector's digests of stacks) and of texts, whose digests
come from SECRET_KEY. With another key only new digests are made: what is stored under old ones stays readable, and is
stored once more when it comes again.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

Lanes = NDArray[np.uint64]  # of shape (2, n): the j-th column is the j-th digest
DIGEST_BYTES = 16
# Odd, so that there are inverses: different numbers have different digests.
_RATES = np.array((0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F), np.uint64)[:, None]
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)  # splitmix64


@cache
def _key() -> bytes:
    return blake2b(b"diagnose digests" + settings.SECRET_KEY.encode()).digest()


def of_texts(texts: Iterable[str]) -> Lanes:
    return from_bytes(blake2b(text.encode(), digest_size=DIGEST_BYTES, key=_key()).digest() for text in texts)


def of_rows(*columns: Lanes) -> Lanes:
    """Of rows with one part in each column; equal parts in different columns count differently."""
    total = np.zeros_like(columns[0])
    for column in columns:
        total = total * _RATES + column
    return _mixed(total)


def of_numbers(numbers: NDArray[Any]) -> Lanes:
    values = numbers.astype(np.uint64) + np.uint64(1)
    return _mixed(values * _RATES)


def in_bytes(lanes: Lanes) -> list[bytes]:
    """As the tables keep them."""
    raw = np.ascontiguousarray(lanes.T).astype("<u8").tobytes()
    return [raw[at : at + DIGEST_BYTES] for at in range(0, len(raw), DIGEST_BYTES)]


def from_bytes(kept: Iterable[bytes]) -> Lanes:
    """The inverse of `in_bytes`."""
    return np.frombuffer(b"".join(kept), "<u8").reshape(-1, 2).T.astype(np.uint64)


def _mixed(values: Lanes) -> Lanes:
    values ^= values >> np.uint64(30)
    values *= _FIRST
    values ^= values >> np.uint64(27)
    values *= _SECOND
    values ^= values >> np.uint64(31)
    return values
