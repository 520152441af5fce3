"""A pack: one capability's programs, as the loader program that creates them and the data it works on.

`bpftool gen skeleton -L` makes both. They hold no machine code and no offsets of one kernel: the loader relocates the
programs against the running kernel's own types, so a pack fits every machine and every kernel that `support` accepts.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

VERSION = 1


class Program(msgspec.Struct, frozen=True):
    """`section` says where it hangs: `tp_btf/NAME`, `tp/CATEGORY/NAME`, `iter/KIND`, `uprobe`."""

    name: str
    section: str


class Pack(msgspec.Struct, frozen=True):
    """`maps` and `programs` are in the loader's order; `tools` are the versions that built it."""

    version: int
    tools: str
    maps: list[str]
    programs: list[Program]
    data: bytes
    instructions: bytes


class BadPack(Exception):
    """A file that is no pack, or one of another version."""


_decoder = msgspec.msgpack.Decoder(Pack)
_encoder = msgspec.msgpack.Encoder()


def encode(pack: Pack) -> bytes:
    """Not compressed: wheels and git do that, and a compressor's version would show in the bytes."""
    return _encoder.encode(pack)


def read(path: Path) -> Pack:
    """BadPack names the file and the remedy."""
    try:
        pack = _decoder.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise BadPack(f"{path} cannot be read ({error}): install the collector again") from None
    if pack.version != VERSION:
        raise BadPack(f"{path} has version {pack.version}, not {VERSION}: install the collector again")
    return pack
