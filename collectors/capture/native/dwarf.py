"""Numbers as DWARF writes them."""

from __future__ import annotations


class Refused(Exception):
    """A table that says it in a way that is not understood here."""


class Reader:
    """Numbers of an entry, one after the other. IndexError or struct.error at its end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, size: int, signed: bool = False) -> int:
        if self.at + size > len(self.data):
            raise IndexError(self.at)
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "little", signed=signed)

    def unsigned(self) -> int:
        found = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            found |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return found

    def signed(self) -> int:
        before = self.at
        found = self.unsigned()
        bits = 7 * (self.at - before)
        return found - (1 << bits) if found >> (bits - 1) & 1 else found

    def skip_block(self) -> None:
        """A length, and so many bytes."""
        size = self.unsigned()
        self.at += size

    def text(self) -> bytes:
        end = self.data.index(b"\0", self.at)
        found = self.data[self.at : end]
        self.at = end + 1
        return found

    def pointer(self, encoding: int, address: int) -> int:
        """`address` is where the pointer itself is mapped."""
        sizes = {0x00: (8, False), 0x03: (4, False), 0x04: (8, False), 0x0B: (4, True), 0x0C: (8, True)}
        if encoding & 0x0F not in sizes or encoding & 0x70 not in {0, 0x10}:
            raise Refused(f"a pointer of encoding {encoding:#x}")
        found = self.number(*sizes[encoding & 0x0F])
        return (found + address) & (1 << 64) - 1 if encoding & 0x70 else found

    def rest(self) -> bytes:
        return self.data[self.at :]
