"""The numbers of tracepoints, from tracefs. Where the host has not mounted it, a mount that only we hold is made."""

from __future__ import annotations

import os
from functools import cache

from collectors.ebpf import syscalls

_MOUNTED = "/sys/kernel/tracing"


def number_of(tracepoint: str) -> int:
    """Of `category/name`. OSError when the kernel has no such tracepoint or tracefs may not be read."""
    path = f"events/{tracepoint}/id"
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=_root())
    try:
        return int(os.read(descriptor, 32))
    finally:
        os.close(descriptor)


@cache
def _root() -> int:
    try:
        root = os.open(_MOUNTED, os.O_PATH | os.O_CLOEXEC)
        if os.access("events", os.F_OK, dir_fd=root):
            return root
        os.close(root)
    except FileNotFoundError:
        pass
    return syscalls.mount_detached("tracefs")
