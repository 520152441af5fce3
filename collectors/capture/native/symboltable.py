"""Functions by address: sorted machine integers, their names left in the file until somebody asks."""

from __future__ import annotations

import lzma
import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterator

from collectors.capture.native.elf import DYNAMIC_SYMBOLS, SYMBOLS, Bytes, Elf, Memory, NotElf, Section

_SYMBOL = struct.Struct("<IBBHQQ")
_FUNCTION, _INDIRECT = 2, 10  # STT_FUNC; STT_GNU_IFUNC, a function that is chosen when the program is loaded
_NO_TYPE = 0  # of `_start` in some C libraries' hand-written start
_UNDEFINED = 0
# 28 bytes each: a browser has more, and is named by offsets then.
MOST_SYMBOLS = 400_000
_MOST_PACKED_BYTES = 16 << 20
_NAME_BYTES = 1024
_CHUNK = 1 << 16


class SymbolTable:
    """`name_at` answers for addresses inside a function only, by its size; without a size it ends at the next."""

    def __init__(self) -> None:
        self._starts, self._ends, self._names = array("Q"), array("Q"), array("Q")
        self._sources: list[Bytes] = []

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, elf: Elf) -> None:
        """The functions of all its symbol sections, packed ones included; those known before keep their names."""
        sections = elf.sections()
        for section in sections:
            if section.type in {SYMBOLS, DYNAMIC_SYMBOLS} and section.link < len(sections):
                self._add(elf.source, section, sections[section.link])
            elif section.name == ".gnu_debugdata":
                packed = _unpacked(elf.source.read(section.offset, min(section.size, _MOST_PACKED_BYTES)))
                if packed is not None:
                    self.add(packed)

    def _add(self, source: Bytes, section: Section, strings: Section) -> None:
        if len(self) + section.size // _SYMBOL.size > MOST_SYMBOLS:
            return
        number = len(self._sources)
        self._sources.append(source)
        found = sorted(_functions(source, section))
        rows: dict[int, tuple[int, int]] = {}
        for start, _, size, name in found:
            rows.setdefault(start, (size, (strings.offset + name) << 8 | number & 0xFF))
        for start, end, name in zip(self._starts, self._ends, self._names, strict=True):
            rows[start] = (end - start, name)
        starts = sorted(rows)
        following = [*starts[1:], (starts[-1] + 16 if starts else 0)]
        self._starts = array("Q", starts)
        self._ends = array(
            "Q", (start + rows[start][0] if rows[start][0] else after for start, after in zip(starts, following, strict=True))
        )
        self._names = array("Q", (rows[start][1] for start in starts))

    def name_at(self, address: int) -> str | None:
        """As it stands in the file."""
        at = bisect_right(self._starts, address) - 1
        if at < 0 or address >= self._ends[at]:
            return None
        packed = self._names[at]
        text = self._sources[packed & 0xFF].read(packed >> 8, _NAME_BYTES)
        return text.partition(b"\0")[0].decode("utf-8", "replace").partition("@")[0]


def _functions(source: Bytes, section: Section) -> Iterator[tuple[int, int, int, int]]:
    """Start, preference (global before weak before local), size and name of each."""
    end = section.offset + section.size // _SYMBOL.size * _SYMBOL.size
    for at in range(section.offset, end, _CHUNK * _SYMBOL.size):
        data = source.read(at, min(_CHUNK * _SYMBOL.size, end - at))
        for name, info, _, where, value, size in _SYMBOL.iter_unpack(data[: len(data) // 24 * 24]):
            kind = info & 15
            if where != _UNDEFINED and value and kind in {_FUNCTION, _INDIRECT, _NO_TYPE} and name:
                if kind == _NO_TYPE and not size and info >> 4 == 0:
                    continue  # labels of an assembler
                yield value, (3 if info >> 4 == 0 else info >> 4), size, name


def _unpacked(data: bytes) -> Elf | None:
    """The little symbol table that some distributions keep, compressed, in a stripped file."""
    try:
        return Elf(Memory(lzma.LZMADecompressor(memlimit=_MOST_PACKED_BYTES * 4).decompress(data, _MOST_PACKED_BYTES)))
    except (lzma.LZMAError, NotElf, EOFError):
        return None
