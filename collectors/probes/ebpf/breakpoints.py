"""What a breakpoint (uprobe) costs whoever runs into it, measured on ourselves: machines differ by a factor of fifty.

Most of it is the machine's: two traps, which in a virtual machine may leave it. So a program of the kernel is hung at a
function of the C library, in this process only, and the function is called.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

from collectors.capture.native import mappings
from collectors.ebpf.attach import Place, attach_at

_PROC = Path("/proc")
# 5 ms at 25 µs each.
CALLS = 200
# endbr64, which the kernel need not step over: the instruction behind it costs what others do.
_LANDING = b"\xf3\x0f\x1e\xfa"


def cost_seconds(program: int) -> float:
    """CPU time of one. OSError when the kernel refuses."""
    function = ctypes.CDLL(None).labs
    plain = _seconds(function)
    links = attach_at([_place_of(function)], program, os.getpid())
    try:
        return max(0.0, _seconds(function) - plain) / CALLS
    finally:
        for link in links:
            os.close(link)


def _seconds(function: Callable[[int], int]) -> float:
    began = time.thread_time()
    for _ in range(CALLS):
        function(1)
    return time.thread_time() - began


def _place_of(function: Callable[[int], int]) -> Place:
    """Where in its file the function's first instruction lies that does something."""
    address = ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
    address += len(_LANDING) if ctypes.string_at(address, len(_LANDING)) == _LANDING else 0
    mapping = mappings.read(_PROC, os.getpid()).at(address)
    if mapping is None:
        raise FileNotFoundError(errno.ENOENT, "the C library is no file that is mapped")
    return Place(mapping.path, address - mapping.start + mapping.offset)
