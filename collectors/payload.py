"""What a spool file holds: the encoded samples of one batch, compressed. The envelope is added when it is sent."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
import zstandard

from collectors.wire import Event, encode_sample

# The server takes 4 MiB compressed and 32 MiB decompressed; a batch below 3 MiB of samples is below both.
BATCH_BYTES = 3 * 1024 * 1024
MAX_BYTES = 32 * 1024 * 1024 - 65_536
MAX_COMPRESSED_BYTES = 4 * 1024 * 1024 - 65_536

_decoder = msgspec.msgpack.Decoder(list[msgspec.Raw])


def pack(samples: list[msgspec.Raw]) -> bytes:
    """One spool file, with a checksum: a flipped bit must not become another number."""
    return zstandard.ZstdCompressor(level=1, write_checksum=True).compress(msgspec.msgpack.encode(samples))


def unpack(data: bytes) -> list[msgspec.Raw]:
    """The samples; of a file that a disk has spoiled an event that says so, as its number must be sent anyway."""
    try:
        return _decoder.decode(zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_BYTES * 2))
    except (zstandard.ZstdError, msgspec.MsgspecError):
        return [_event("spool_file_unreadable", bytes=str(len(data)))]


def split(samples: list[msgspec.Raw]) -> Iterator[bytes]:
    """Spool files for these samples, each within the server's bounds; a sample that never fits becomes an event."""
    chunk: list[msgspec.Raw] = []
    size = 0
    for raw in samples:
        length = len(bytes(raw))
        if chunk and size + length > BATCH_BYTES:
            yield pack(chunk)
            chunk, size = [], 0
        chunk.append(raw if _fits(raw, length) else _event("sample_too_large", bytes=str(length)))
        size += length
    if chunk:
        yield pack(chunk)


def halve(data: bytes) -> tuple[bytes, bytes]:
    """Two files with half of the samples each; a single sample becomes an event and the second part is empty."""
    samples = unpack(data)
    middle = len(samples) // 2
    if not middle:
        return pack([_event("sample_too_large", bytes=str(len(data)))]), b""
    return pack(samples[:middle]), pack(samples[middle:])


def _fits(raw: msgspec.Raw, length: int) -> bool:
    return length <= BATCH_BYTES or (length <= MAX_BYTES and len(pack([raw])) <= MAX_COMPRESSED_BYTES)


def _event(event: str, **fields: str) -> msgspec.Raw:
    return encode_sample(Event(event=event, time=time.time_ns(), fields=fields))
