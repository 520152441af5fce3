"""Batches as a collector makes them, through its own code, and what is inside of one."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import msgspec
import zstandard

from collectors import tables, wire
from collectors.delivery import payload
from collectors.delivery.gather import Gather

EPOCH = "00000000deadbeef"


def content_of(samples: Iterable[wire.Sample]) -> bytes:
    """Samples of one probe, gathered and packed."""
    gather = Gather()
    for sample in samples:
        gather.add("probe", sample)
    return payload.pack(gather.take())


def envelope_of(content: bytes, **fields: Any) -> bytes:
    """The body of one request."""
    chosen = {
        "version": wire.VERSION,
        "host": "0123456789abcdef0123456789abcdef",
        "epoch": EPOCH,
        "seq": 1,
        "oldest_seq": 1,
        "sent_ns": time.time_ns(),
        "agent": "0.1.0",
    }
    return wire.encode_batch(wire.Batch(content=content, **chosen | fields))


def body_of(samples: Iterable[wire.Sample], **fields: Any) -> bytes:
    """The body of one request with these samples."""
    return envelope_of(content_of(samples), **fields)


def body_of_items(items: Iterable[wire.Item], **fields: Any) -> bytes:
    """The same with items as they are, sound or not."""
    return envelope_of(payload.pack([wire.encode_item(item) for item in items]), **fields)


def renamed(names: bytes, **columns: bytes) -> bytes:
    """The names of a table with these columns instead."""
    sound = wire.decode_names(zstandard.ZstdDecompressor().decompress(names))
    return zstandard.ZstdCompressor().compress(wire.encode_names(msgspec.structs.replace(sound, **columns)))


def samples_in(content: bytes) -> list[wire.Sample]:
    """What a batch carries."""
    items, _ = wire.decode_items(zstandard.ZstdDecompressor().decompress(content))
    return [sample for item in items for sample in tables.samples_of(item)]


def unpacked(raws: Iterable[msgspec.Raw]) -> list[wire.Sample]:
    """What these encoded items carry."""
    return samples_in(payload.pack(list(raws)))
