"""The table of functions that Go's runtime keeps in a program for its tracebacks, `.gopclntab`.

Stripped programs have it too. Its form is in `src/debug/gosym/pclntab.go` of Go; those of Go 1.16, 1.18 and 1.20 (and
later) are known here.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from collectors.processes.elf import Bytes, Elf, Section

_SECTIONS = (".gopclntab", ".data.rel.ro.gopclntab")
# In programs that the C linker makes for any address it lies somewhere in this one.
_MERGED_INTO, _OF_GO = ".data.rel.ro", ".go.buildinfo"
_WITH_POINTERS, _WITH_OFFSETS = {0xFFFFFFFA}, {0xFFFFFFF0, 0xFFFFFFF1}
_HEADER = struct.Struct("<IHBB8Q")
_TEXT_OFFSET = 24
_RELA, _RELOCATION = 4, struct.Struct("<QQq")
_RELATIVE = {62: 8, 183: 1027}  # R_X86_64_RELATIVE, R_AARCH64_RELATIVE
_MOST_BYTES = 64 << 20
_MOST_FUNCTIONS = 400_000


@dataclass(frozen=True, slots=True)
class Table:
    """Places within the table: its names, and `rows` that lead from a function's start to what is said of it.

    Numbers in rows are words of `width` bytes; starts count from `base`.
    """

    source: Bytes
    offset: int
    size: int
    count: int
    names: int
    names_bytes: int
    rows: int
    width: int
    base: int

    def functions(self) -> Iterator[tuple[int, int, int]]:
        """Start, size and where in the file the name is; ends at the first that leads nowhere."""
        data = self.source.read(self.offset + self.rows, min(self.size - self.rows, _MOST_BYTES))
        words = memoryview(data[: len(data) & ~7]).cast("I")
        numbers = words if self.width == 4 else words.cast("B").cast("Q")
        ends = min(2 * min(self.count, _MOST_FUNCTIONS) + 1, len(numbers))
        for at in range(0, ends - 2, 2):
            start, where, after = numbers[at], numbers[at + 1], numbers[at + 2]
            said = (where + self.width) // 4  # the start once more, then the name
            if said >= len(words):
                return
            yield self.base + start, max(0, after - start), self.offset + self.names + words[said]

    def addresses(self, wanted: Collection[str]) -> dict[str, int]:
        """Of those that the program has."""
        texts = self.source.read(self.offset + self.names, min(self.names_bytes, _MOST_BYTES))
        found = {name: texts.find(b"\0%b\0" % name.encode()) for name in wanted}
        names = {self.offset + self.names + at + 1: name for name, at in found.items() if at >= 0}
        return {names[at]: start for start, _, at in self.functions() if at in names} if names else {}


def of(elf: Elf) -> Table | None:
    """None in what is no program of Go, lost its section headers, or has a table of another form."""
    sections = elf.sections()
    section = next((each for each in sections if each.name in _SECTIONS), None)
    if section is None and any(each.name == _OF_GO for each in sections):
        section = _merged(elf.source, sections)
    if section is None:
        return None
    head = elf.source.read(section.offset, _HEADER.size)
    return _table(elf, sections, section, head) if len(head) == _HEADER.size else None


def _merged(source: Bytes, sections: list[Section]) -> Section | None:
    for each in sections:
        if each.name == _MERGED_INTO:
            data = source.read(each.offset, min(each.size, _MOST_BYTES))
            for magic in _WITH_OFFSETS:
                for unit in (1, 4):
                    skipped = data.find(struct.pack("<IHBB", magic, 0, unit, 8))
                    if skipped >= 0:
                        places = each.address + skipped, each.offset + skipped, each.size - skipped
                        return Section(each.name, each.type, *places, each.link)
    return None


def _table(elf: Elf, sections: list[Section], section: Section, head: bytes) -> Table | None:
    magic, _, _, pointer_bytes, count, *places = _HEADER.unpack(head)
    if pointer_bytes != 8:
        return None
    where = elf.source, section.offset, section.size, count
    if magic in _WITH_OFFSETS:
        _, text, names, after_names, _, _, rows = places
        base = text or _text_start(elf, sections, section)
        return Table(*where, names, max(0, after_names - names), rows, 4, base)
    if magic in _WITH_POINTERS:
        _, names, after_names, _, _, rows, _ = places
        return Table(*where, names, max(0, after_names - names), rows, 8, 0)
    return None


def _text_start(elf: Elf, sections: list[Section], table: Section) -> int:
    """In programs that are loaded anywhere (PIE) a relocation says it; else it is where .text begins."""
    place = struct.pack("<QQ", table.address + _TEXT_OFFSET, _RELATIVE.get(elf.machine, 0))
    for each in sections:
        if each.type == _RELA:
            data = elf.source.read(each.offset, min(each.size, _MOST_BYTES))
            at = data.find(place)
            if 0 <= at <= len(data) - _RELOCATION.size:
                return int(_RELOCATION.unpack_from(data, at)[2])
    return next((each.address for each in sections if each.name == ".text"), 0)
