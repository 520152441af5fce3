"""Where functions of a Go program begin in its file, for breakpoints.

A breakpoint in the middle of an instruction would break the program, so an address counts only where the code is what
Go's compiler lets functions begin with, the check of the stack's bound.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from collectors.processes import gotable
from collectors.processes.elf import Elf, File, NotElf

_X86, _ARM = 62, 183
# cmp 16(%r14),%rsp, or for large frames lea -n(%rsp),%r12 before it · ldr x16,[x28,#16], the same on arm64.
_BEGINNINGS: dict[int, tuple[bytes, ...]] = {
    _X86: (b"\x49\x3b\x66\x10", b"\x4c\x8d\x64\x24", b"\x4c\x8d\xa4\x24"),
    _ARM: (b"\x90\x0b\x40\xf9",),
}


class Unknown(Exception):
    """A program in which no functions can be found, and why."""


def offsets(path: str, names: Collection[str]) -> dict[str, int]:
    """Offsets in the file by name, of those that the program has. Raises Unknown; OSError when it cannot be read."""
    try:
        elf = Elf(File(os.open(path, os.O_RDONLY | os.O_CLOEXEC)))
    except NotElf:
        raise Unknown("it is no 64-bit program for x86-64 or aarch64") from None
    if elf.machine not in _BEGINNINGS:
        raise Unknown("it is no 64-bit program for x86-64 or aarch64")
    table = gotable.of(elf)
    if table is None:
        raise Unknown(
            "no table of functions is found in it: it is no program of Go 1.16 or later, "
            "or its section headers were removed"
        )
    return {name: _beginning(elf, name, address) for name, address in table.addresses(names).items()}


def _beginning(elf: Elf, name: str, address: int) -> int:
    offset = elf.offset_of(address)
    if offset is None:
        raise Unknown("its table of functions points outside of its code")
    if not elf.source.read(offset, 4).startswith(_BEGINNINGS[elf.machine]):
        raise Unknown(f"{name} does not begin as Go's compiler lets functions begin, so no breakpoint is set")
    return offset
