"""From the bytes of a request to the envelope of a batch, at a bounded cost whatever the bytes are."""

from __future__ import annotations

import re

import msgspec
import zstandard

from collectors import wire
from diagnose.ingest.content import Malformed

MAX_COMPRESSED_BYTES = 4 * 1024 * 1024
MAX_DECOMPRESSED_BYTES = 32 * 1024 * 1024
# A frame may ask for any window; this one is enough for the largest batch there may be.
_MAX_WINDOW_BYTES = 64 * 1024 * 1024
_EPOCH = re.compile(r"[0-9a-f]{1,16}")
_MAX_SEQ = 1 << 62


class TooLarge(Exception):
    """More bytes than a batch may have; the message says how many it may."""


class UnknownVersion(Malformed):
    """A sound envelope of a wire version that this server does not speak."""

    def __init__(self, batch: wire.Batch) -> None:
        super().__init__(
            f"the batch is of wire version {batch.version}, this server reads version {wire.VERSION}: "
            "install the collector that comes with this server, or update the server"
        )
        self.batch = batch


def decompress(body: bytes) -> bytes:
    """The content of one zstd frame. Raises TooLarge before it takes the room, or Malformed."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
    try:
        with decompressor.stream_reader(body) as reader:
            data = reader.read(MAX_DECOMPRESSED_BYTES + 1)
    except zstandard.ZstdError as error:
        raise Malformed(f"the body is no zstd frame ({error}); compress the msgpack with zstd") from None
    if len(data) > MAX_DECOMPRESSED_BYTES:
        raise TooLarge(f"a batch may have {MAX_DECOMPRESSED_BYTES} bytes decompressed; send smaller batches")
    return data


def envelope(data: bytes) -> wire.Batch:
    """The batch, its samples still undecoded. Raises UnknownVersion, or Malformed."""
    try:
        batch = wire.decode_batch(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(f"the batch is no msgpack of a Batch: {error}") from None
    if not _EPOCH.fullmatch(batch.epoch):
        raise Malformed(f"epoch {batch.epoch[:40]!r} is not 1 to 16 hexadecimal digits")
    if not 1 <= batch.oldest_seq <= batch.seq < _MAX_SEQ:
        raise Malformed(f"seq {batch.seq} with oldest_seq {batch.oldest_seq}: 1 ≤ oldest_seq ≤ seq must hold")
    if batch.version != wire.VERSION:
        raise UnknownVersion(batch)
    return batch


def samples(batch: wire.Batch) -> tuple[list[wire.Sample], int]:
    """All samples of known kinds, and how many of unknown kinds were skipped. Raises Malformed."""
    try:
        return wire.decode_samples(batch)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(f"a sample is not as its kind should be: {error}") from None
