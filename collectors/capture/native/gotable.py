"""Functions of a Go program that was stripped: the runtime keeps its own table for its tracebacks, `.gopclntab`.

Its form is in `src/debug/gosym/pclntab.go` of Go; those of Go 1.16, 1.18 and 1.20 (and later) are known here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from collectors.capture.native.elf import Bytes, Section

NAMES = (".gopclntab", ".data.rel.ro.gopclntab")
_WITH_POINTERS, _WITH_OFFSETS = {0xFFFFFFFA}, {0xFFFFFFF0, 0xFFFFFFF1}
_MOST_BYTES = 64 << 20
_MOST_FUNCTIONS = 400_000


def functions(source: Bytes, section: Section, text_address: int) -> Iterator[tuple[int, int, int]]:
    """Start, size and where in the file the name is. Nothing for a table of another form, or a broken one."""
    table = source.read(section.offset, min(section.size, _MOST_BYTES))
    try:
        yield from _functions(table, section.offset, text_address)
    except struct.error:
        return


def _functions(table: bytes, offset: int, text_address: int) -> Iterator[tuple[int, int, int]]:
    magic, _, pointer_bytes = struct.unpack_from("<I3sB", table)
    if pointer_bytes != 8:
        return
    if magic in _WITH_OFFSETS:
        count, _, text, names, _, _, _, entries = struct.unpack_from("<8Q", table, 8)
        entry, head = struct.Struct("<II"), struct.Struct("<Ii")
        # Zero where the linker leaves it to be filled in when the program is loaded, or no more says it.
        base = text or text_address
    elif magic in _WITH_POINTERS:
        count, _, names, _, _, _, entries = struct.unpack_from("<7Q", table, 8)
        entry, head, base = struct.Struct("<QQ"), struct.Struct("<Qi"), 0
    else:
        return
    rows = list(entry.iter_unpack(table[entries : entries + min(count, _MOST_FUNCTIONS) * entry.size]))
    (end,) = struct.unpack_from("<Q" if entry.size == 16 else "<I", table, entries + len(rows) * entry.size)
    for (start, where), (after, _) in zip(rows, [*rows[1:], (end, 0)], strict=True):
        _, name = head.unpack_from(table, entries + where)
        if name >= 0:
            yield base + start, max(0, after - start), offset + names + name
