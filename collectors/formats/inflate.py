"""gzip that ends where it was agreed: a bomb costs no more than the bound."""

from __future__ import annotations

import zlib

from collectors.formats.profile import BadProfile

_MAGIC = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS


def inflated(data: bytes, most_bytes: int) -> bytes:
    """The content of all gzip members, or `data` as it is when it is not compressed. Raises BadProfile."""
    if not data.startswith(_MAGIC):
        return _bounded(data, most_bytes)
    parts: list[bytes] = []
    room = most_bytes + 1
    while data and room:
        stream = zlib.decompressobj(_GZIP)
        try:
            part = stream.decompress(data, room)
        except zlib.error as error:
            raise BadProfile(
                f"the gzip data are damaged ({error}): send the file as it was written"
            ) from None
        parts.append(part)
        room -= len(part)
        if not stream.eof and room:
            raise BadProfile("the gzip data end in the middle: send the whole file")
        data = stream.unused_data
    return _bounded(b"".join(parts), most_bytes)


def _bounded(data: bytes, most_bytes: int) -> bytes:
    if len(data) > most_bytes:
        raise BadProfile(f"the profile has more than {most_bytes} bytes uncompressed: record a shorter time")
    return data
