"""Functions by address: sorted machine integers, their names left in the file until somebody asks."""

from __future__ import annotations

import lzma
import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain, islice, pairwise

from collectors.processes import gotable
from collectors.processes.elf import DYNAMIC_SYMBOLS, SYMBOLS, Bytes, Elf, Memory, NotElf, Section

_SYMBOL = struct.Struct("<IBBHQQ")
# STT_FUNC; STT_GNU_IFUNC, a function that is chosen at load; no type, as `_start` has in some C libraries.
_KINDS, _NO_TYPE = {2, 10, 0}, 0
_LOCAL, _AFTER_WEAK = 0, 3  # bindings: 1 is global, 2 weak
_UNDEFINED = 0
# 28 bytes each: a browser has more, and is named by offsets then.
MOST_SYMBOLS = 200_000
_MOST_PACKED_BYTES = 16 << 20
_NAME_BYTES = 1024
_LAST_BYTES = 16  # of the last function, when it has no size
_MOST_ADDRESS = (1 << 64) - 1
_MOST_OFFSET = 1 << 48
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
                if section.size // _SYMBOL.size <= MOST_SYMBOLS:
                    self._merge(elf.source, _functions(elf.source, section, sections[section.link]))
            elif section.name == ".gnu_debugdata":
                packed = _unpacked(elf.source.read(section.offset, min(section.size, _MOST_PACKED_BYTES)))
                if packed is not None:
                    self.add(packed)
        if SYMBOLS not in {section.type for section in sections}:
            table = gotable.of(elf)
            self._merge(elf.source, table.functions() if table else ())

    def _merge(self, source: Bytes, found: Iterable[tuple[int, int, int]]) -> None:
        """Start, size, and where in the source the name is."""
        number = len(self._sources) & 0xFF
        self._sources.append(source)
        usable = (
            (start, (size, name << 8 | number))
            for start, size, name in found
            if 0 < start < _MOST_ADDRESS - _LAST_BYTES and name < _MOST_OFFSET
        )
        rows = dict(reversed(list(islice(usable, MOST_SYMBOLS))))  # of one address the first counts
        for start, end, packed in zip(self._starts, self._ends, self._names, strict=True):
            rows[start] = (end - start, packed)
        self._starts = array("Q", sorted(rows))
        self._ends = array("Q", (_end(start, rows[start][0], after) for start, after in _pairs(self._starts)))
        self._names = array("Q", (rows[start][1] for start in self._starts))

    def name_at(self, address: int) -> str | None:
        """As it stands in the file."""
        at = bisect_right(self._starts, address) - 1
        if at < 0 or address >= self._ends[at]:
            return None
        packed = self._names[at]
        text = self._sources[packed & 0xFF].read(packed >> 8, _NAME_BYTES)
        return text.partition(b"\0")[0].decode("utf-8", "replace").partition("@")[0]


def _pairs(starts: array[int]) -> Iterator[tuple[int, int]]:
    """Each with the one that follows."""
    return pairwise(chain(starts, [starts[-1] + _LAST_BYTES] if starts else []))


def _end(start: int, size: int, after: int) -> int:
    return min(start + size, _MOST_ADDRESS) if size else after


def _functions(source: Bytes, section: Section, strings: Section) -> list[tuple[int, int, int]]:
    """Of several names of one function the first is a global one, then a weak, then a local."""
    ranked: list[tuple[int, int, int, int]] = []
    end = section.offset + section.size // _SYMBOL.size * _SYMBOL.size
    for at in range(section.offset, end, _CHUNK * _SYMBOL.size):
        data = source.read(at, min(_CHUNK * _SYMBOL.size, end - at))
        for name, info, _, where, value, size in _SYMBOL.iter_unpack(data[: len(data) // 24 * 24]):
            kind, binding = info & 15, info >> 4
            is_label = kind == _NO_TYPE and binding == _LOCAL  # of an assembler
            if where != _UNDEFINED and name and kind in _KINDS and not is_label:
                ranked.append((value, binding or _AFTER_WEAK, size, strings.offset + name))
    return [(value, size, name) for value, _, size, name in sorted(ranked)]


def _unpacked(data: bytes) -> Elf | None:
    """The little symbol table that some distributions keep, compressed, in a stripped file."""
    try:
        return Elf(
            Memory(
                lzma.LZMADecompressor(memlimit=_MOST_PACKED_BYTES * 4).decompress(data, _MOST_PACKED_BYTES)
            )
        )
    except (lzma.LZMAError, NotElf, EOFError):
        return None
