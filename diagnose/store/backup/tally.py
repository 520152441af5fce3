"""How many rows a table has and a digest of them that does not depend on their order, nor on the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any

import msgspec

Row = Sequence[Any]
_AT_ONCE = 1000
_DIGEST_BYTES = 16
_encode = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class Tally:
    """The digest is the sum of the rows' digests, so that equal rows count as often as they are there."""

    rows: int = 0
    total: int = 0

    def add(self, row: Row) -> None:
        self.rows += 1
        self.total += int.from_bytes(blake2b(_encode(row), digest_size=_DIGEST_BYTES).digest())

    @property
    def digest(self) -> str:
        return f"{self.total % 2 ** (8 * _DIGEST_BYTES):0{2 * _DIGEST_BYTES}x}"

    def counting(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, counted as they pass."""
        for row in rows:
            self.add(row)
            yield row


def some_at_once(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Pieces that fit in memory."""
    left = iter(rows)
    while some := list(islice(left, _AT_ONCE)):
        yield some
