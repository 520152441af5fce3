"""Where distributions keep the symbols that they took out of a program: in a file of their own, by build id."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from collectors.processes.elf import Elf, File, NotElf

FOLDER = "usr/lib/debug/.build-id"


def opened(path: str) -> File:
    """A regular file. OSError for anything else: a pipe in its place must not hold us up, nor a link lead elsewhere."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no regular file")
    return File(descriptor)


def debug_file(build_id: str, roots: Iterable[Path]) -> Elf | None:
    """The first below one of the roots (this host's, the process's own) that belongs to the very same build."""
    if len(build_id) < 3:
        return None
    for root in roots:
        try:
            found = Elf(opened(str(root / FOLDER / build_id[:2] / f"{build_id[2:]}.debug")))
        except (OSError, NotElf):
            continue
        if found.build_id() == build_id:
            return found
    return None
