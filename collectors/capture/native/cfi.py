"""How to get from a function to its caller, by the tables that compilers write for exceptions: `.eh_frame`.

They are on x86-64 in nearly every program, with frame pointers or without. What is understood is what compilers write
for code: a frame's address as a register and an offset. Expressions, of linkage stubs and signal frames, are refused.
The form is in the Linux Standard Base (`.eh_frame_hdr`) and in DWARF 5, section 6.4.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right

from collectors.capture.native.cfirows import RETURN, Common, Row, rows_of
from collectors.capture.native.dwarf import Reader, Refused
from collectors.processes.elf import Elf

_MOST_ENTRY_BYTES = 1 << 16
_MOST_FUNCTIONS = 2_000_000  # 16 bytes each
_MOST_KEPT = 4096  # functions whose rows are kept, of one file

# Where each row of a function begins, the rows, and where the function ends: _ANY for one that is not understood.
_Function = tuple[list[int], list[Row | None], int]
_ANY = 1 << 64
_NONE: _Function = ([], [], 0)


class Tables:
    """One file's. `row_at` answers for an address as the file's symbols count."""

    def __init__(self, elf: Elf) -> None:
        """Empty when the file has no index of its tables."""
        self._elf = elf
        self._starts, self._entries = array("q"), array("q")
        self._kept: dict[int, _Function] = {}
        self._commons: dict[int, Common] = {}
        if elf.eh_frame_header is not None:
            self._read_index(elf.eh_frame_header)

    def row_at(self, address: int) -> Row | None:
        """None when the tables do not say, or in a way that is not understood here."""
        starts, rows, end = self._at(address)
        found = bisect_right(starts, address) - 1
        return rows[found] if found >= 0 and address < end else None

    def covers(self, address: int) -> bool:
        """Whether they speak of it at all."""
        return address < self._at(address)[2]

    def _at(self, address: int) -> _Function:
        at = bisect_right(self._starts, address) - 1
        if at < 0:
            return _NONE
        if at not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[at] = self._rows(self._entries[at])
        return self._kept[at]

    def _read_index(self, at: int) -> None:
        head = self._elf.at(at, 12)
        # Version 1; a pointer of 4 bytes; a count of 4 bytes; a table of signed 4 bytes, counted from this place.
        if (
            len(head) < 12
            or head[0] != 1
            or head[2] != 0x03
            or head[3] != 0x3B
            or head[1] & 0x0F not in {0x0B, 0x03}
        ):
            return
        (count,) = struct.unpack_from("<I", head, 8)
        pairs = array("i")
        data = self._elf.at(at + 12, min(count, _MOST_FUNCTIONS) * 8)
        pairs.frombytes(data[: len(data) // 8 * 8])
        self._starts = array("q", (at + start for start in pairs[::2]))
        self._entries = array("q", (at + entry for entry in pairs[1::2]))

    def _rows(self, entry: int) -> _Function:
        try:
            return self._function(entry)
        except (Refused, IndexError, ValueError, OverflowError, struct.error):
            return [], [], _ANY

    def _function(self, entry: int) -> _Function:
        body = self._body(entry)
        back = body.number(4)
        common = self._common(entry + 4 - back)
        start = body.pointer(common.pointer_encoding, entry + 8)
        end = start + body.pointer(common.pointer_encoding & 0x0F, 0)
        if common.has_augmentation:
            body.skip_block()
        if common.is_signal_frame or common.return_register != RETURN:
            raise Refused("a signal frame")
        return (*rows_of(common, body.rest(), start), end)

    def _common(self, entry: int) -> Common:
        if entry not in self._commons:
            self._commons[entry] = _parsed_common(self._body(entry))
        return self._commons[entry]

    def _body(self, entry: int) -> Reader:
        """Behind the length."""
        (length,) = struct.unpack("<I", self._elf.at(entry, 4))
        if not 4 <= length <= _MOST_ENTRY_BYTES:
            raise Refused(f"an entry of {length} bytes")
        data = self._elf.at(entry + 4, length)
        if len(data) < length:
            raise Refused("an entry that was cut off")
        return Reader(data)


def _parsed_common(body: Reader) -> Common:
    if body.number(4):
        raise Refused("what a function points to is no common entry")
    body.number(1)
    augmentation = body.text()
    code_factor, data_factor, return_register = body.unsigned(), body.signed(), body.unsigned()
    encoding, end = 0, body.at
    if augmentation.startswith(b"z"):
        size = body.unsigned()
        end = body.at + size
        for letter in augmentation[1:].decode("latin-1"):
            if letter == "R":
                encoding = body.number(1)
            elif letter == "P":
                body.pointer(body.number(1) & 0x0F, 0)
            elif letter == "L":
                body.number(1)
            elif letter not in "SB":
                raise Refused(f"augmentation {augmentation!r}")
    body.at = end
    is_signal_frame = b"S" in augmentation
    has = augmentation.startswith(b"z")
    return Common(code_factor, data_factor, return_register, encoding, has, is_signal_frame, body.rest())
