"""Functions of the kernel and its modules, from /proc/kallsyms: read once, five megabytes while it is kept."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from pathlib import Path

_TEXT = b"tTwW"
_PADDING = b"__pfx_"  # the room before a function that CONFIG_CALL_PADDING makes
# Modules come late; a program of BPF may come at any time.
_AGAIN_SECONDS = 600.0
_CHUNK_BYTES = 1 << 16
HIDDEN = "hidden by kernel.kptr_restrict"


class Kallsyms:
    """`name_at` and `module_at`; all names are HIDDEN while the kernel keeps its addresses to itself."""

    def __init__(self, proc: Path) -> None:
        self._path = f"{proc}/kallsyms"
        self._starts = array("Q")
        self._names = array("I")
        self._text = b""
        self._read_at = -_AGAIN_SECONDS
        self.reason = ""

    def name_at(self, address: int) -> str:
        """`do_sys_poll`, or `nft_do_chain [nf_tables]` for a module's."""
        at = self._index(address)
        if at < 0 and time.monotonic() - self._read_at >= _AGAIN_SECONDS:
            self._read()
            at = self._index(address)
        if at < 0:
            return f"[{self.reason or hex(address)}]"
        return self._text[self._names[at] : self._text.index(b"\n", self._names[at])].decode(
            "utf-8", "replace"
        )

    def _index(self, address: int) -> int:
        return bisect_right(self._starts, address) - 1

    def _read(self) -> None:
        self._read_at = time.monotonic()
        self._starts, self._names, self._text = array("Q"), array("I"), b""
        starts, names, text = array("Q"), array("I"), bytearray()
        try:
            with open(self._path, "rb", buffering=_CHUNK_BYTES) as lines:  # noqa: PTH123 - a line at a time
                for line in lines:
                    if line[17:18] in _TEXT and not line.startswith(_PADDING, 19):
                        starts.append(int(line[:16], 16))
                        names.append(len(text))
                        text += line[19:].replace(b"\t", b" ")
        except OSError as error:
            self.reason = f"{self._path} cannot be read: {error.strerror}"
            return
        self.reason = "" if any(starts) else HIDDEN
        if self.reason:
            return
        order = sorted(
            range(len(starts)), key=starts.__getitem__
        )  # modules stand behind the kernel, in no order
        self._starts = array("Q", (starts[at] for at in order))
        self._names = array("I", (names[at] for at in order))
        self._text = bytes(text)
