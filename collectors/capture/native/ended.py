"""Whether a stack goes down to where its thread began: without frame pointers the chain breaks somewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collectors.capture.folded import Frame
from collectors.capture.native.symbols import UNMAPPED

# The functions that nobody calls: where a program, a thread, a goroutine begins.
_BEGINNINGS = frozenset(
    {
        "_start",
        "__libc_start_main",
        "__libc_start_call_main",
        "__libc_start_main_impl",
        "start_thread",
        "clone",
    }
    | {
        "__clone",
        "clone3",
        "__clone3",
        "thread_start",
        "runtime.goexit",
        "runtime.goexit.abi0",
        "runtime.mstart",
    }
    | {"runtime.mcall", "runtime.morestack", "runtime.systemstack", "runtime.rt0_go", "runtime.rt0_go.abi0"}
    | {"runtime.systemstack.abi0", "runtime.mstart.abi0", "runtime.mstart1", "runtime.mcall.abi0"}
    | {"runtime.morestack.abi0", "runtime.asmcgocall.abi0", "_rt0_amd64", "_rt0_amd64_linux", "runtime.gogo"}
)
# Their names are not in a C library that was stripped; below a program's own frames they can be nothing else.
_C_LIBRARY = re.compile(r"libc[.-].*so.*|libpthread[.-].*|ld-musl.*|ld-linux.*")


def is_whole(frames: Sequence[Frame]) -> bool:
    """`frames` root first."""
    if not frames:
        return True
    root = frames[0]
    if root.name in _BEGINNINGS:
        return True
    library = root.file.rpartition("/")[2]
    return bool(_C_LIBRARY.fullmatch(library)) and any(frame.file != root.file for frame in frames[1:])


def without_rubbish(frames: Sequence[Frame]) -> list[Frame]:
    """Leaf first, up to the first address that is no code: what follows a broken chain means nothing."""
    kept: list[Frame] = []
    for frame in frames:
        if frame.name == UNMAPPED and kept:
            break
        kept.append(frame)
    return kept
