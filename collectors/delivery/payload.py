"""What a spool file holds: the content of one batch, compressed as it will be sent inside the envelope."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
import zstandard

from collectors.wire import Event, encode_item

# The server takes 4 MiB compressed and 32 MiB decompressed; a batch below 3 MiB of items is below both.
BATCH_BYTES = 3 * 1024 * 1024
MAX_BYTES = 32 * 1024 * 1024 - 65_536
MAX_COMPRESSED_BYTES = 4 * 1024 * 1024 - 65_536

_decoder = msgspec.msgpack.Decoder(list[msgspec.Raw])


def pack(items: list[msgspec.Raw]) -> bytes:
    """One spool file, with a checksum: a flipped bit must not become another number."""
    return zstandard.ZstdCompressor(level=1, write_checksum=True).compress(msgspec.msgpack.encode(items))


def readable(data: bytes) -> bytes:
    """A spool file as it is sent; one that a disk has spoiled becomes an event that says so, as its number must go."""
    try:
        zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_BYTES * 2)
    except zstandard.ZstdError:
        return pack([_event("spool_file_unreadable", bytes=str(len(data)))])
    return data


def unpack(data: bytes) -> list[msgspec.Raw]:
    """The items; of a file that a disk has spoiled an event that says so, as its number must be sent anyway."""
    try:
        return _decoder.decode(zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_BYTES * 2))
    except (zstandard.ZstdError, msgspec.MsgspecError):
        return [_event("spool_file_unreadable", bytes=str(len(data)))]


def split(items: list[msgspec.Raw]) -> Iterator[bytes]:
    """Spool files for these items, each within the server's bounds; one that never fits becomes an event."""
    chunk: list[msgspec.Raw] = []
    size = 0
    for raw in items:
        length = len(bytes(raw))
        if chunk and size + length > BATCH_BYTES:
            yield pack(chunk)
            chunk, size = [], 0
        chunk.append(raw if _fits(raw, length) else _event("sample_too_large", bytes=str(length)))
        size += length
    if chunk:
        yield pack(chunk)


def halve(data: bytes) -> tuple[bytes, bytes]:
    """Two files with half of the items each; a single item becomes an event and the second part is empty."""
    items = unpack(data)
    middle = len(items) // 2
    if not middle:
        return pack([_event("sample_too_large", bytes=str(len(data)))]), b""
    return pack(items[:middle]), pack(items[middle:])


def _fits(raw: msgspec.Raw, length: int) -> bool:
    return length <= BATCH_BYTES or (length <= MAX_BYTES and len(pack([raw])) <= MAX_COMPRESSED_BYTES)


def _event(event: str, **fields: str) -> msgspec.Raw:
    return encode_item(Event(event=event, time=time.time_ns(), fields=fields))
