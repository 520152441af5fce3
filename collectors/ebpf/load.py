"""Loads a pack: the kernel runs its loader program, which creates the maps, relocates and loads the programs.

The context that the loader gets and fills in is libbpf's `struct bpf_loader_ctx` (24 bytes), then a map's descriptor,
limit and initial value (16 bytes each), then a program's descriptor (4 bytes each).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass

from collectors.ebpf import syscalls
from collectors.ebpf.maps import Map
from collectors.ebpf.pack import Pack

_HEADER = struct.Struct("<IIIIQ")
_MAP = struct.Struct("<iIQ")
_PROGRAM = struct.Struct("<i")
_ARRAY, _SYSCALL_PROGRAM, _SLEEPABLE = 2, 31, 1 << 4
_LICENSE = b"Dual BSD/GPL"
_LOG_BYTES = 1 << 16
_VERBOSE = 1


class Rejected(Exception):
    """The verifier did not like a program; the message is the end of what it said."""


@dataclass(slots=True)
class Loaded:
    """Descriptors of a pack's maps and programs, by name. They are ours to close."""

    maps: dict[str, Map]
    programs: dict[str, int]

    def close(self) -> None:
        for descriptor in (*(each.descriptor for each in self.maps.values()), *self.programs.values()):
            os.close(descriptor)
        self.maps, self.programs = {}, {}


def load(pack: Pack) -> Loaded:
    """OSError when the kernel refuses; Rejected with the verifier's words when it is a program that it refuses."""
    try:
        return _load(pack, None)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EACCES, errno.E2BIG}:
            raise
        log = ctypes.create_string_buffer(_LOG_BYTES)
        try:
            return _load(pack, log)
        except OSError:
            words = log.value.decode("utf-8", "replace").strip().splitlines()
            if not words:
                raise
            raise Rejected(" / ".join(line.strip() for line in words[-3:])) from None


def _load(pack: Pack, log: ctypes.Array[ctypes.c_char] | None) -> Loaded:
    data = _array_of(pack.data)
    try:
        loader = _loader(pack.instructions, data)
        try:
            return _run(loader, pack, log)
        finally:
            os.close(loader)
    finally:
        os.close(data)


def _array_of(data: bytes) -> int:
    """An array map with one element, which the loader program reads its material from."""
    attributes = struct.pack("<IIIIIII16s28x", _ARRAY, 4, len(data), 1, 0, 0, 0, b"__loader.map")
    descriptor, _ = syscalls.bpf(syscalls.MAP_CREATE, attributes)
    key, value = ctypes.c_uint32(0), ctypes.create_string_buffer(data, len(data))
    update = struct.pack("<I4xQQQ", descriptor, ctypes.addressof(key), ctypes.addressof(value), 0)
    syscalls.bpf(syscalls.MAP_UPDATE, update)
    return descriptor


def _loader(instructions: bytes, data: int) -> int:
    code = ctypes.create_string_buffer(instructions, len(instructions))
    license_, maps = ctypes.create_string_buffer(_LICENSE), ctypes.c_int(data)
    attributes = struct.pack(
        "<IIQQIIQII16s56xQ",
        _SYSCALL_PROGRAM,
        len(instructions) // 8,
        ctypes.addressof(code),
        ctypes.addressof(license_),
        *(0, 0, 0, 0),
        _SLEEPABLE,
        b"__loader.prog",
        ctypes.addressof(maps),
    )
    return syscalls.bpf(syscalls.PROG_LOAD, attributes)[0]


def _run(loader: int, pack: Pack, log: ctypes.Array[ctypes.c_char] | None) -> Loaded:
    first_program = _HEADER.size + _MAP.size * len(pack.maps)
    size = first_program + _PROGRAM.size * len(pack.programs)
    context = ctypes.create_string_buffer(size)
    where, room, level = (ctypes.addressof(log), _LOG_BYTES, _VERBOSE) if log else (0, 0, 0)
    _HEADER.pack_into(context, 0, size, 0, level, room, where)
    attributes = struct.pack("<I36xIIQ24x", loader, size, 0, ctypes.addressof(context))
    _, answer = syscalls.bpf(syscalls.PROG_RUN, attributes)
    (result,) = struct.unpack_from("<i", answer, 4)
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    maps = {
        name: Map.of(_MAP.unpack_from(context, _HEADER.size + _MAP.size * at)[0])
        for at, name in enumerate(pack.maps)
    }
    programs = {
        program.name: _PROGRAM.unpack_from(context, first_program + _PROGRAM.size * at)[0]
        for at, program in enumerate(pack.programs)
    }
    return Loaded(maps, programs)
