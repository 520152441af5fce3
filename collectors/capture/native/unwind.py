"""Walks a copy of a thread's stack by its registers: by the tables of each file, else by frame pointers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from collectors.capture.native.cfirows import RBP, RSP, SAME, UNDEFINED, Row
from collectors.capture.native.symbols import Process

MOST_FRAMES = 127
_MOST_KEPT = 50_000
# In the place of a row, for code without tables: what compilers and runtimes with frame pointers make.
_BY_FRAME_POINTER = Row(RBP, 16, -16, -8)


class Registers(NamedTuple):
    """Of the user's side of a thread. `others` by DWARF's numbers: a frame may begin at any of them."""

    ip: int
    sp: int
    bp: int
    others: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Walked:
    """Addresses leaf first; `whole` when the walk came to where the thread began."""

    addresses: tuple[int, ...]
    whole: bool


class Unwinder:
    """Of one process. Rows are found once for each address; tables once for each file."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._rows: dict[int, Row | None] = {}

    def walk(self, registers: Registers, stack: bytes) -> Walked:
        """`stack` is what lay at and above the stack pointer."""
        found, now = [registers.ip], registers
        while len(found) < MOST_FRAMES:
            row = self._row(now.ip if now is registers else now.ip - 1)
            if row is None:
                break
            if row.returns_to == UNDEFINED:
                return Walked(tuple(found), True)
            caller = _caller(row, now, stack, registers.sp)
            if caller is None:
                break
            if not caller.ip:
                return Walked(tuple(found), True)
            found.append(caller.ip)
            now = caller
        return Walked(tuple(found), False)

    def _row(self, address: int) -> Row | None:
        if address not in self._rows:
            if len(self._rows) >= _MOST_KEPT:
                self._rows.clear()
            self._rows[address] = self._find(address)
        return self._rows[address]

    def _find(self, address: int) -> Row | None:
        found = self._process.module_at(address)
        if found is None:
            return _BY_FRAME_POINTER if self._process.mapping_at(address) else None
        module, file_offset = found
        at = module.elf.address_of(file_offset)
        if at is None:
            return None
        tables = module.tables
        return tables.row_at(at) if tables.covers(at) else _BY_FRAME_POINTER


def _caller(row: Row, now: Registers, stack: bytes, bottom: int) -> Registers | None:
    """None when that lies outside of what was copied, or is no stack at all."""
    if row.base == RSP:
        frame = now.sp + row.offset
    elif row.base == RBP:
        frame = now.bp + row.offset
    elif row.base < len(now.others):
        frame = now.others[row.base] + row.offset
    else:
        return None
    ip = _word(stack, frame + row.returns_to - bottom)
    bp = now.bp if row.rbp == SAME else _word(stack, frame + row.rbp - bottom)
    return None if ip is None or bp is None or frame <= now.sp else Registers(ip, frame, bp)


def _word(stack: bytes, at: int) -> int | None:
    return int.from_bytes(stack[at : at + 8], "little") if 0 <= at <= len(stack) - 8 else None
