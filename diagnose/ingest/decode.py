"""From the bytes of a request to the items of a batch, at a bounded cost whatever the bytes are.

The envelope can be read without the content: a request costs no more than that. A worker reads the content.
"""

from __future__ import annotations

import re

import msgspec
import zstandard

from collectors import wire
from diagnose.ingest.content import Malformed

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_DECOMPRESSED_BYTES = 32 * 1024 * 1024
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


def envelope(body: bytes) -> wire.Batch:
    """The batch, its content still packed. Raises TooLarge, UnknownVersion, or Malformed."""
    try:
        batch = wire.decode_batch(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(f"the body is no msgpack of a Batch: {error}") from None
    if not _EPOCH.fullmatch(batch.epoch):
        raise Malformed(f"epoch {batch.epoch[:40]!r} is not 1 to 16 hexadecimal digits")
    if not 1 <= batch.oldest_seq <= batch.seq < _MAX_SEQ:
        raise Malformed(f"seq {batch.seq} with oldest_seq {batch.oldest_seq}: 1 ≤ oldest_seq ≤ seq must hold")
    if batch.version != wire.VERSION:
        raise UnknownVersion(batch)
    _check_frame(batch.content)
    return batch


def items(batch: wire.Batch) -> tuple[list[wire.Item], int]:
    """All items of known kinds, and how many of unknown kinds were skipped. Raises Malformed."""
    try:
        # No more room than the frame says it needs, and `envelope` has seen what it says.
        content = zstandard.ZstdDecompressor().decompress(batch.content)
        return wire.decode_items(content)
    except zstandard.ZstdError as error:
        raise Malformed(f"the content of the batch cannot be decompressed: {error}") from None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(f"an item is not as its kind should be: {error}") from None


def _check_frame(content: bytes) -> None:
    try:
        size = zstandard.frame_content_size(content)
    except zstandard.ZstdError as error:
        raise Malformed(f"the content is no zstd frame ({error}); compress the msgpack with zstd") from None
    if size < 0:
        raise Malformed("the content's zstd frame does not state its size; compress it in one call")
    if size > MAX_DECOMPRESSED_BYTES:
        raise TooLarge(f"a batch may have {MAX_DECOMPRESSED_BYTES} bytes decompressed; send smaller batches")
