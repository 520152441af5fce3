"""The exact version of a process's language runtime, from its files alone: nothing is executed."""

# ruff: noqa: PTH115 - one style with the other readers of /proc
from __future__ import annotations

import os
import re
import struct

# debug/buildinfo of Go: magic, pointer size, flags; from 1.18 on the version follows as a string with its length.
_GO_MAGIC = b"\xff Go buildinf:"
_GO_INLINE = 0x2
_GO_VERSION = re.compile(rb"go\d+\.\d+[\w.+-]*")
_SEGMENT_BYTES = 1 << 16
_WRITABLE, _LOADED = 2, 1  # PF_W, PT_LOAD
_JAVA_VERSION = re.compile(rb'JAVA_VERSION="([\w.+-]{1,40})"')
_IN_PATH = re.compile(r"/v?(\d+\.\d+\.\d+)/bin/")


def version(runtime: str, root: str, pid: int) -> str:
    """'' when the files do not say."""
    if runtime == "go":
        return _go(f"{root}/{pid}/exe")
    if runtime == "java":
        return _java(root, pid)
    if runtime.startswith("node"):
        match = _IN_PATH.search(_link(f"{root}/{pid}/exe"))
        return match[1] if match else ""
    return runtime.removeprefix("python") if runtime.startswith("python") else ""


def _go(path: str) -> str:
    """From the beginning of the data segment, where Go's own reader looks."""
    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            data = _data_segment(stream.read(_SEGMENT_BYTES), path)
    except (OSError, struct.error, OverflowError):  # offsets of 64 bits that are noise
        return ""
    at = data.find(_GO_MAGIC)
    if at < 0 or len(data) < at + 33 or not data[at + 15] & _GO_INLINE:
        return ""
    match = _GO_VERSION.match(data, at + 33)
    return match[0].decode().removeprefix("go") if match else ""


def _data_segment(head: bytes, path: str) -> bytes:
    """The first writable segment of a 64-bit ELF file, from its program headers (elf(5))."""
    if head[:5] != b"\x7fELF\x02":
        return b""
    (offset,) = struct.unpack_from("<Q", head, 32)
    size, number = struct.unpack_from("<HH", head, 54)
    for index in range(min(number, 64)):
        kind, flags, start = struct.unpack_from("<IIQ", head, offset + index * size)
        if kind == _LOADED and flags & _WRITABLE:
            with open(path, "rb") as stream:  # noqa: PTH123
                stream.seek(start)
                return stream.read(_SEGMENT_BYTES)
    return b""


def _java(root: str, pid: int) -> str:
    """The file `release` of the JDK, seen as the process sees it."""
    home = os.path.dirname(os.path.dirname(_link(f"{root}/{pid}/exe")))  # noqa: PTH120
    try:
        with open(f"{root}/{pid}/root{home}/release", "rb") as stream:  # noqa: PTH123
            match = _JAVA_VERSION.search(stream.read(_SEGMENT_BYTES))
    except OSError:
        return ""
    return match[1].decode() if match else ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
