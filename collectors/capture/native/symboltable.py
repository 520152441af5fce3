"""Functions by address: sorted machine integers, their names left in the file until somebody asks."""

from __future__ import annotations

import lzma
import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from collectors.processes import gotable
from collectors.processes.elf import DYNAMIC_SYMBOLS, SYMBOLS, Bytes, Elf, Memory, NotElf, Section

_SYMBOL = struct.Struct("<IBBHQQ")
# STT_FUNC; STT_GNU_IFUNC, a function that is chosen at load; no type, as `_start` has in some C libraries.
_KINDS, _NO_TYPE = {2, 10, 0}, 0
_LOCAL, _GLOBAL, _AFTER_WEAK = 0, 1, 3  # bindings: 2 is weak
_KNOWN = 0  # the rank of what an earlier section named
_RANK_BITS, _INDEX_BITS = 2, 20
_INDEX = (1 << _INDEX_BITS) - 1
_UNDEFINED = 0
# 28 bytes each: a browser has more, and is named by offsets then.
MOST_SYMBOLS = 200_000
_MOST_PACKED_BYTES = 16 << 20
_NAME_BYTES = 1024
_LAST_BYTES = 16  # of the last function, when it has no size
_MOST_ADDRESS = (1 << 64) - 1
_MOST_OFFSET = 1 << 48
_CHUNK = 1 << 12


# Start, size, where in the source the name is, and rank.
Found = tuple[int, int, int, int]


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
            self._merge(elf.source, ((*each, _GLOBAL) for each in table.functions()) if table else ())

    def _merge(self, source: Bytes, found: Iterable[Found]) -> None:
        """Of one address the first by rank counts. Sorted as numbers: objects would take ten times as much."""
        number = len(self._sources) & 0xFF
        self._sources.append(source)
        starts, names = array("Q", self._starts), array("Q", self._names)
        sizes = array("Q", (end - start for start, end in zip(self._starts, self._ends, strict=True)))
        order = [_place(start, _KNOWN, index) for index, start in enumerate(starts)]
        usable = (
            each for each in found if 0 < each[0] < _MOST_ADDRESS - _LAST_BYTES and each[2] < _MOST_OFFSET
        )
        for start, size, name, rank in islice(usable, MOST_SYMBOLS):
            order.append(_place(start, rank, len(starts)))
            starts.append(start)
            sizes.append(size)
            names.append(name << 8 | number)
        order.sort()
        chosen = array("I", (place & _INDEX for place in _first_of_each(order)))
        del order
        self._starts = array("Q", (starts[index] for index in chosen))
        self._names = array("Q", (names[index] for index in chosen))
        after = chain(self._starts[1:], [self._starts[-1] + _LAST_BYTES] if self._starts else [])
        rows = zip(self._starts, chosen, after, strict=True)
        self._ends = array("Q", (_end(start, sizes[index], next_) for start, index, next_ in rows))

    def name_at(self, address: int) -> str | None:
        """As it stands in the file."""
        at = bisect_right(self._starts, address) - 1
        if at < 0 or address >= self._ends[at]:
            return None
        packed = self._names[at]
        text = self._sources[packed & 0xFF].read(packed >> 8, _NAME_BYTES)
        return text.partition(b"\0")[0].decode("utf-8", "replace").partition("@")[0]


def _place(start: int, rank: int, index: int) -> int:
    """One number by which functions are in order of their address, rank and coming."""
    return (start << _RANK_BITS | rank) << _INDEX_BITS | index


def _first_of_each(order: list[int]) -> Iterator[int]:
    """Of each address."""
    before = -1
    for place in order:
        start = place >> _RANK_BITS + _INDEX_BITS
        if start != before:
            before = start
            yield place


def _end(start: int, size: int, after: int) -> int:
    return min(start + size, _MOST_ADDRESS) if size else after


def _functions(source: Bytes, section: Section, strings: Section) -> Iterator[Found]:
    """Of several names of one function the first is a global one, then a weak, then a local."""
    end = section.offset + section.size // _SYMBOL.size * _SYMBOL.size
    for at in range(section.offset, end, _CHUNK * _SYMBOL.size):
        data = source.read(at, min(_CHUNK * _SYMBOL.size, end - at))
        for name, info, _, where, value, size in _SYMBOL.iter_unpack(data[: len(data) // 24 * 24]):
            kind, binding = info & 15, info >> 4
            is_label = kind == _NO_TYPE and binding == _LOCAL  # of an assembler
            if where != _UNDEFINED and name and kind in _KINDS and not is_label:
                yield value, size, strings.offset + name, min(binding or _AFTER_WEAK, _AFTER_WEAK)


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
