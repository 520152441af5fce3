"""What tells frames and stacks apart on the wire and in the server: digests of their names, 8 bytes each.

By its digest a server knows a stack that it has met before without reading its names. It computes the digests of new
ones itself, so that a wrong digest gives no stack another's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

DIGEST_BYTES = 8


def of_frame(name: bytes, file: bytes, line: int, module: bytes) -> bytes:
    """Of UTF-8 as the collector read it, before any bound cuts it."""
    return blake2b(b"%b\0%b\0%d\0%b" % (name, file, line, module), digest_size=DIGEST_BYTES).digest()


def of_path(frames: Iterable[bytes]) -> bytes:
    """Of the digests of a stack's frames, root first."""
    return blake2b(b"".join(frames), digest_size=DIGEST_BYTES).digest()
