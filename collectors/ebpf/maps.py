"""Maps of the kernel: whole tables read and emptied in batches, single values written."""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from collectors.ebpf import syscalls

_PER_CPU_TYPES = {5, 6, 10}  # PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH of enum bpf_map_type
_INFO = struct.Struct("<IIIII")  # struct bpf_map_info: type, id, key_size, value_size, max_entries
_BATCH = struct.Struct("<QQQQIIQQ")
_ENTRIES_A_CALL, _BYTES_A_CALL = 4096, 1 << 19
_COUNT_OFFSET = 32


@cache
def possible_cpus() -> int:
    """How many values a per-CPU map keeps for each key."""
    return len(cpus("possible"))


def cpus(which: str) -> list[int]:
    """Numbers of those that are `possible`, or `online` now."""
    text = Path("/sys/devices/system/cpu", which).read_text().strip()
    ranges = (part.partition("-") for part in text.split(","))
    return [cpu for first, _, last in ranges for cpu in range(int(first), int(last or first) + 1)]


@dataclass(frozen=True, slots=True)
class Map:
    """`read_bytes` is what one key's value takes when read: per-CPU maps give all CPUs' values in a row."""

    descriptor: int
    key_bytes: int
    value_bytes: int
    read_bytes: int
    most_entries: int

    @classmethod
    def of(cls, descriptor: int) -> Map:
        info = syscalls.info_of(descriptor, _INFO.size)
        kind, _, key_bytes, value_bytes, most = _INFO.unpack(info)
        read_bytes = (value_bytes + 7 & ~7) * possible_cpus() if kind in _PER_CPU_TYPES else value_bytes
        return cls(descriptor, key_bytes, value_bytes, read_bytes, most)

    def set_first(self, value: bytes) -> None:
        """Write element 0 of an array."""
        self.set(bytes(self.key_bytes), value)

    def set(self, key: bytes, value: bytes) -> None:
        """Write one value; what it is shorter than the map's is zeros."""
        where = ctypes.create_string_buffer(key, self.key_bytes)
        held = ctypes.create_string_buffer(value.ljust(self.value_bytes, b"\0"), self.value_bytes)
        attributes = struct.pack(
            "<I4xQQQ", self.descriptor, ctypes.addressof(where), ctypes.addressof(held), 0
        )
        syscalls.bpf(syscalls.MAP_UPDATE, attributes)

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """All keys with their values, a few thousand a call. Others may write meanwhile: theirs may be missing."""
        room = min(self.most_entries, _ENTRIES_A_CALL, max(256, _BYTES_A_CALL // self.read_bytes))
        position = ctypes.create_string_buffer(max(self.key_bytes, 8))
        keys = ctypes.create_string_buffer(self.key_bytes * room)
        values = ctypes.create_string_buffer(self.read_bytes * room)
        start = 0
        while True:
            found, more = self._read(start, position, keys, values, room)
            key_data, value_data = keys.raw, values.raw
            for at in range(found):
                yield (
                    key_data[at * self.key_bytes : (at + 1) * self.key_bytes],
                    value_data[at * self.read_bytes : (at + 1) * self.read_bytes],
                )
            if not more:
                return
            start = ctypes.addressof(position)

    def _read(
        self,
        start: int,
        position: ctypes.Array[ctypes.c_char],
        keys: ctypes.Array[ctypes.c_char],
        values: ctypes.Array[ctypes.c_char],
        room: int,
    ) -> tuple[int, bool]:
        """How many entries one call gave, and whether there are more. ENOENT is the kernel's word for the end."""
        attributes = ctypes.create_string_buffer(_BATCH.size)
        where = (ctypes.addressof(position), ctypes.addressof(keys), ctypes.addressof(values))
        _BATCH.pack_into(attributes, 0, start, *where, room, self.descriptor, 0, 0)
        more = syscalls.bpf_in_place(syscalls.MAP_LOOKUP_BATCH, attributes, also_ends_with=errno.ENOENT)
        (found,) = struct.unpack_from("<I", attributes, _COUNT_OFFSET)
        return found, more

    def delete(self, keys: Sequence[bytes]) -> None:
        """Forget these keys. They must be there, and only we may delete: then none is passed over."""
        for at in range(0, len(keys), _ENTRIES_A_CALL):
            some = keys[at : at + _ENTRIES_A_CALL]
            held = ctypes.create_string_buffer(b"".join(some), self.key_bytes * len(some))
            attributes = _BATCH.pack(0, 0, ctypes.addressof(held), 0, len(some), self.descriptor, 0, 0)
            syscalls.bpf(syscalls.MAP_DELETE_BATCH, attributes)
