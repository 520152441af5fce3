"""bpf(2), perf_event_open(2) and the few calls around them, through the C library's syscall(). Errors are OSError."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

# Numbers of bpf, perf_event_open and membarrier differ by machine; those of fsopen, fsconfig and fsmount do not.
_NUMBERS = {"x86_64": (321, 298, 324), "aarch64": (280, 241, 283)}
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432
MACHINES = tuple(_NUMBERS)

# Commands of bpf(2), enum bpf_cmd in include/uapi/linux/bpf.h.
MAP_CREATE, MAP_UPDATE, MAP_DELETE, PROG_LOAD, PROG_RUN = 0, 2, 3, 5, 10
INFO_BY_FD, RAW_TRACEPOINT_OPEN, MAP_LOOKUP_BATCH, MAP_DELETE_BATCH, LINK_CREATE, ITER_CREATE = (
    15,
    17,
    24,
    27,
    28,
    33,
)

PERF_ATTR_BYTES = 120
_PERF_ATTR_CONFIG1 = 56
_PERF_TYPE_TRACEPOINT = 2
_PERF_FLAG_FD_CLOEXEC = 8
_FSCONFIG_CMD_CREATE = 6
_MEMBARRIER_CMD_GLOBAL = 1

_library = ctypes.CDLL(None, use_errno=True)
_library.syscall.restype = ctypes.c_long


def _call(number: int, *arguments: object) -> int:
    result = int(_library.syscall(number, *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def _numbers() -> tuple[int, int, int]:
    return _NUMBERS[platform.machine()]


def bpf(command: int, attributes: bytes) -> tuple[int, bytes]:
    """What the call returned, and the attributes as it left them."""
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    result = _call(_numbers()[0], command, buffer, len(attributes))
    return result, buffer.raw


def bpf_in_place(command: int, attributes: ctypes.Array[ctypes.c_char], also_ends_with: int) -> bool:
    """For commands that answer in their attributes also when they end: False when it did so with that error."""
    try:
        _call(_numbers()[0], command, attributes, len(attributes))
    except OSError as error:
        if error.errno != also_ends_with:
            raise
        return False
    return True


def info_of(descriptor: int, size: int) -> bytes:
    """The first bytes of what the kernel says of a map, program or link."""
    info = ctypes.create_string_buffer(size)
    bpf(INFO_BY_FD, struct.pack("<IIQ", descriptor, size, ctypes.addressof(info)))
    return info.raw


def open_tracepoint(number: int) -> int:
    """A perf event of a tracepoint, on all CPUs for programs attached to it (as libbpf opens it)."""
    return open_event(struct.pack("<IIQ", _PERF_TYPE_TRACEPOINT, PERF_ATTR_BYTES, number), 0)


def open_event(attributes: bytes, cpu: int) -> int:
    """A perf event of all processes on one CPU; `attributes` is the beginning of struct perf_event_attr."""
    buffer = ctypes.create_string_buffer(attributes.ljust(PERF_ATTR_BYTES, b"\0"), PERF_ATTR_BYTES)
    return _call(_numbers()[1], buffer, -1, cpu, -1, _PERF_FLAG_FD_CLOEXEC)


def open_uprobe(kind: int, path: str, offset: int, pid: int = -1) -> int:
    """A perf event of a breakpoint at `offset` of a file, in one process or all; `kind` is the uprobe PMU's."""
    where = ctypes.create_string_buffer(path.encode())
    attributes = bytearray(PERF_ATTR_BYTES)
    struct.pack_into("<II", attributes, 0, kind, PERF_ATTR_BYTES)
    struct.pack_into("<QQ", attributes, _PERF_ATTR_CONFIG1, ctypes.addressof(where), offset)
    buffer = ctypes.create_string_buffer(bytes(attributes), PERF_ATTR_BYTES)
    return _call(_numbers()[1], buffer, pid, 0 if pid < 0 else -1, -1, _PERF_FLAG_FD_CLOEXEC)


def wait_for_programs() -> None:
    """Return when no CPU runs a program that began before the call.

    membarrier's global command is the kernel's synchronize_rcu(), and programs run inside RCU read sections.
    """
    _call(_numbers()[2], _MEMBARRIER_CMD_GLOBAL, 0, 0)


def mount_detached(filesystem: str) -> int:
    """A descriptor of a fresh mount that appears nowhere in the host's tree (Linux 5.2; needs CAP_SYS_ADMIN)."""
    context = _call(_FSOPEN, filesystem.encode(), 1)
    try:
        _call(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return _call(_FSMOUNT, context, 1, 0)
    finally:
        os.close(context)
