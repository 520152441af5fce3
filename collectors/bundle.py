"""What a collector without a server leaves in a file: the batches as it would have sent them."""

from __future__ import annotations

import msgspec


class Bundle(msgspec.Struct, frozen=True):
    """Of the host `name`, made at `made_ns` by this version of the collector."""

    version: int
    name: str
    made_ns: int
    agent: str
    batches: list[bytes]


_decoder = msgspec.msgpack.Decoder(Bundle)


def encode(bundle: Bundle) -> bytes:
    """The content of the file."""
    return msgspec.msgpack.encode(bundle)


def decode(data: bytes) -> Bundle:
    """Raises msgspec.DecodeError or ValidationError on malformed input."""
    return _decoder.decode(data)
