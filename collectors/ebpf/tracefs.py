"""What tracefs says of tracepoints. Where the host has not mounted it, a mount that only we hold is made."""

from __future__ import annotations

import os
from functools import cache

from collectors.ebpf import syscalls

_MOUNTED = "/sys/kernel/tracing"


def number_of(tracepoint: str) -> int:
    """Of `category/name`. OSError when the kernel has no such tracepoint or tracefs may not be read."""
    return int(read(f"events/{tracepoint}/id"))


def read(path: str) -> str:
    """A file of tracefs. OSError as it comes."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=_root())
    with os.fdopen(descriptor, encoding="utf-8") as stream:
        return stream.read()


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
