"""ELF files of 64-bit little-endian machines: what is mapped where, sections, notes. Read piece by piece."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

_MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little-endian
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_NOTE = struct.Struct("<III")
_LOAD, _PT_NOTE, _EH_FRAME_HDR = 1, 4, 0x6474E550
_EXECUTABLE = 1
_GNU_BUILD_ID = 3
_PAGE = 0x1000
_MOST_OFFSET = 1 << 62  # what a broken header says must not become an overflow
_MOST_HEADERS = 4096
_MOST_NOTE_BYTES = 1 << 16
SYMBOLS, DYNAMIC_SYMBOLS = 2, 11  # section types


class Bytes(Protocol):
    """What an ELF file is read from."""

    def read(self, offset: int, size: int) -> bytes: ...


class File:
    """An open file, so that what was mapped stays readable when its name is taken away."""

    def __init__(self, descriptor: int) -> None:
        """The descriptor is ours to close from here on."""
        self._descriptor = descriptor

    def read(self, offset: int, size: int) -> bytes:
        """OSError as it comes; less than `size` at the end, nothing for places that no file has."""
        return os.pread(self._descriptor, size, offset) if size > 0 and offset < _MOST_OFFSET else b""

    def __del__(self) -> None:
        os.close(self._descriptor)


class Memory:
    """An image that is in memory only: the kernel's vDSO, symbols that were unpacked."""

    def __init__(self, image: bytes) -> None:
        self._image = image

    def read(self, offset: int, size: int) -> bytes:
        return self._image[offset : offset + size] if size > 0 else b""


class NotElf(Exception):
    """Not a 64-bit little-endian ELF file, or a broken one."""


@dataclass(frozen=True, slots=True)
class Load:
    """A piece of the file that is mapped: `offset` in the file, `address` as the file's symbols count."""

    offset: int
    address: int
    size: int
    executable: bool


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    type: int
    address: int
    offset: int
    size: int
    link: int


class Elf:
    """Headers only; contents are read when asked for."""

    def __init__(self, source: Bytes) -> None:
        """NotElf when it is none; OSError as it comes."""
        self.source = source
        head = source.read(0, _HEADER.size)
        if len(head) < _HEADER.size or not head.startswith(_MAGIC):
            raise NotElf("no 64-bit little-endian ELF header")
        fields = _HEADER.unpack(head)
        self.machine = fields[2]
        self._programs_at, self._sections_at = fields[5], fields[6]
        self._program_count, self._section_count, self._names_in = fields[10], fields[12], fields[13]
        self.loads: list[Load] = []
        self.eh_frame_header: int | None = None
        self._notes: list[tuple[int, int]] = []
        self._read_programs()

    def _read_programs(self) -> None:
        for kind, flags, offset, address, _, size, _, _ in self._table(
            _PROGRAM, self._programs_at, self._program_count
        ):
            if kind == _LOAD:
                self.loads.append(Load(offset, address, size, bool(flags & _EXECUTABLE)))
            elif kind == _EH_FRAME_HDR:
                self.eh_frame_header = address
            elif kind == _PT_NOTE:
                self._notes.append((offset, min(size, _MOST_NOTE_BYTES)))

    def _table(self, entry: struct.Struct, at: int, count: int) -> Iterator[tuple[int, ...]]:
        data = self.source.read(at, min(count, _MOST_HEADERS) * entry.size)
        return entry.iter_unpack(data[: len(data) // entry.size * entry.size])

    def sections(self) -> list[Section]:
        rows = list(self._table(_SECTION, self._sections_at, self._section_count))
        if self._names_in >= len(rows):
            return []
        names = self.source.read(rows[self._names_in][4], min(rows[self._names_in][5], 1 << 20))
        return [
            Section(names[row[0] :].partition(b"\0")[0].decode("utf-8", "replace"), row[1], *row[3:7])
            for row in rows
        ]

    def build_id(self) -> str:
        """In hexadecimal digits; '' when the file has none."""
        for offset, size in self._notes:
            data, at = self.source.read(offset, size), 0
            while at + _NOTE.size <= len(data):
                name_size, value_size, kind = _NOTE.unpack_from(data, at)
                name_at = at + _NOTE.size
                value_at = name_at + (name_size + 3 & ~3)
                if kind == _GNU_BUILD_ID and data[name_at : name_at + name_size] == b"GNU\0":
                    return data[value_at : value_at + value_size].hex()
                at = value_at + (value_size + 3 & ~3)
        return ""

    def address_of(self, file_offset: int) -> int | None:
        """Of a byte of executable code, as the file's symbols count. Mappings begin at whole pages, pieces need not."""
        for load in self.loads:
            if load.executable and load.offset & -_PAGE <= file_offset < load.offset + load.size:
                return file_offset - load.offset + load.address
        return None

    def offset_of(self, address: int) -> int | None:
        """Where in the file the code at an address is."""
        for load in self.loads:
            if load.executable and load.address <= address < load.address + load.size:
                return address - load.address + load.offset
        return None

    def at(self, address: int, size: int) -> bytes:
        """What is mapped there, of any piece; b'' where nothing is."""
        for load in self.loads:
            if load.address <= address < load.address + load.size:
                return self.source.read(
                    address - load.address + load.offset, min(size, load.address + load.size - address)
                )
        return b""
