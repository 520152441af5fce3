"""Where functions of a Go program begin in its file, from the table that the runtime keeps for its tracebacks.

`.gopclntab` is there in stripped programs, too. Its form is that of Go 1.18 and later (src/debug/gosym/pclntab.go). A
breakpoint in the middle of an instruction would break the program, so an address counts only where the code is what
Go's compiler lets functions begin with, the check of the stack's bound.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_SECTIONS = (b".gopclntab", b".data.rel.ro.gopclntab")
_MERGED_INTO = b".data.rel.ro"  # by the C linker, in programs that are loaded anywhere
_MAGICS = (0xFFFFFFF1, 0xFFFFFFF0)  # of Go 1.20 and 1.18
_X86, _ARM = 62, 183
# cmp 16(%r14),%rsp, or for large frames lea -n(%rsp),%r12 before it · ldr x16,[x28,#16], the same on arm64.
_BEGINNINGS: dict[int, tuple[bytes, ...]] = {
    _X86: (b"\x49\x3b\x66\x10", b"\x4c\x8d\x64\x24", b"\x4c\x8d\xa4\x24"),
    _ARM: (b"\x90\x0b\x40\xf9",),
}
_MOST_FUNCTIONS = 1_000_000
_LOAD, _EXECUTABLE = 1, 1
_RELA = 4
_RELATIVE = {_X86: 8, _ARM: 1027}

_ELF = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_HEADER = struct.Struct("<IHBBQQQQQQQQ")
_TEXT_START_OFFSET = 24
_RELOCATION = struct.Struct("<QQq")


class Unknown(Exception):
    """A program in which no functions can be found, and why."""


@dataclass(frozen=True, slots=True)
class _Section:
    name: bytes
    kind: int
    address: int
    offset: int
    size: int


def offsets(path: str, names: Collection[str]) -> dict[str, int]:
    """Offsets in the file by name, of those that the program has. Raises Unknown; OSError when it cannot be read."""
    with open(path, "rb") as file:  # noqa: PTH123 - one style with the other readers of /proc
        if not os.fstat(file.fileno()).st_size:
            raise Unknown("its file is empty")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with data:
        try:
            return _offsets(data, names)
        except (struct.error, IndexError, ValueError):
            raise Unknown("its file is damaged, or of a form that is not known here") from None


def _offsets(data: mmap.mmap, names: Collection[str]) -> dict[str, int]:
    elf = _ELF.unpack_from(data)
    if elf[0][:6] != b"\x7fELF\x02\x01" or elf[2] not in _BEGINNINGS:
        raise Unknown("it is no 64-bit program for x86-64 or aarch64")
    sections = list(_sections(data, elf))
    table = _table(data, sections)
    found = {}
    for name, address in _addresses(data, table, sections, names, elf[2]).items():
        offset = _file_offset(data, elf, address)
        if not data[offset : offset + 4].startswith(_BEGINNINGS[elf[2]]):
            raise Unknown(
                f"{name} does not begin as Go's compiler lets functions begin, so no breakpoint is set"
            )
        found[name] = offset
    return found


def _sections(data: mmap.mmap, elf: tuple[int, ...]) -> Iterator[_Section]:
    start, size, number, names_at = elf[6], elf[11], elf[12], elf[13]
    rows = [_SECTION.unpack_from(data, start + at * size) for at in range(number)]
    if not rows:
        return
    names = rows[names_at][4]
    for name, kind, _, address, offset, length, *_ in rows:
        end = data.find(b"\0", names + name)
        yield _Section(data[names + name : end], kind, address, offset, length)


def _table(data: mmap.mmap, sections: list[_Section]) -> _Section:
    for one in sections:
        if one.name in _SECTIONS:
            return one
        if one.name == _MERGED_INTO:
            for head in (struct.pack("<IHBB", magic, 0, unit, 8) for magic in _MAGICS for unit in (1, 4)):
                at = data.find(head, one.offset, one.offset + one.size)
                if at >= 0:
                    skipped = at - one.offset
                    return _Section(one.name, one.kind, one.address + skipped, at, one.size - skipped)
    raise Unknown(
        "no table of functions is found in it: it is no program of Go, or its section headers were removed"
    )


def _addresses(
    data: mmap.mmap, table: _Section, sections: list[_Section], names: Collection[str], machine: int
) -> dict[str, int]:
    magic, _, _, pointer_bytes, functions, _, text, names_at, _, _, _, rows_at = _HEADER.unpack_from(
        data, table.offset
    )
    if magic not in _MAGICS or pointer_bytes != 8 or functions > _MOST_FUNCTIONS:
        raise Unknown(f"its table of functions has the form {magic:#x}; those of Go 1.18 and later are known")
    base = text or _text_start(data, table, sections, machine)
    with memoryview(data) as whole, whole[table.offset : table.offset + table.size & ~3] as view:
        wanted = _name_offsets(bytes(view[names_at : names_at + table.size]), names)
        with view[rows_at : table.size & ~3].cast("I") as words:
            return {
                wanted[name]: base + start for start, name in _functions(words, functions) if name in wanted
            }


def _name_offsets(texts: bytes, names: Collection[str]) -> dict[int, str]:
    found = {}
    for name in names:
        at = texts.find(b"\0%b\0" % name.encode())
        if at >= 0:
            found[at + 1] = name
    return found


def _functions(words: memoryview, number: int) -> Iterator[tuple[int, int]]:
    """Each function's start and the number of its name: a row of pairs leads to what is said of each."""
    for start, where in zip(words[: 2 * number : 2], words[1 : 2 * number : 2], strict=True):
        yield start, words[where // 4 + 1]


def _text_start(data: mmap.mmap, table: _Section, sections: list[_Section], machine: int) -> int:
    """In programs that are loaded anywhere (PIE) a relocation says it; else it is where .text begins."""
    place = struct.pack("<QQ", table.address + _TEXT_START_OFFSET, _RELATIVE[machine])
    for one in sections:
        if one.kind == _RELA:
            at = data.find(place, one.offset, one.offset + one.size)
            if at >= 0:
                return int(_RELOCATION.unpack_from(data, at)[2])
    return next(one.address for one in sections if one.name == b".text")


def _file_offset(data: mmap.mmap, elf: tuple[int, ...], address: int) -> int:
    start, size, number = elf[5], elf[9], elf[10]
    for at in range(number):
        kind, flags, offset, begin, _, length, *_ = _SEGMENT.unpack_from(data, start + at * size)
        if kind == _LOAD and flags & _EXECUTABLE and begin <= address < begin + length:
            return int(offset + address - begin)
    raise Unknown("its table of functions points outside of its code")
