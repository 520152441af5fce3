"""What lies where in a process: the executable pieces of its address space, and the files they are of."""

from __future__ import annotations

import os
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel import procfs

_MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Mapping:
    """`path` is the file's in the process's own mount namespace, `[vdso]`, or '' for memory of no file."""

    start: int
    end: int
    offset: int
    path: str
    deleted: bool = False

    @property
    def module(self) -> str:
        """The file's bare name: what a flame graph colours by."""
        return self.path.rpartition("/")[2]

    @property
    def in_memory(self) -> bool:
        """Code that no file on a disk has: made by the program itself, or a program that was never one."""
        return not self.path or self.path.startswith("/memfd:")


class Mappings:
    """Of one process, as they were when it was read."""

    def __init__(self, found: list[Mapping]) -> None:
        self._found = sorted(found, key=lambda mapping: mapping.start)
        self._starts = [mapping.start for mapping in self._found]

    def __len__(self) -> int:
        return len(self._found)

    def at(self, address: int) -> Mapping | None:
        at = bisect_right(self._starts, address) - 1
        return self._found[at] if at >= 0 and address < self._found[at].end else None


def parse(text: bytes) -> list[Mapping]:
    """Of /proc/PID/maps the executable ones. A line that was cut off is left out."""
    found = []
    for line in text.splitlines():
        fields = line.split(None, 5)
        if len(fields) < 5 or b"x" not in fields[1]:
            continue
        start, _, end = fields[0].partition(b"-")
        name = os.fsdecode(fields[5]) if len(fields) > 5 else ""
        path = name.removesuffix(" (deleted)")
        if path.startswith(("//anon", "/dev/zero", "[anon")):
            path = ""
        found.append(Mapping(int(start, 16), int(end, 16), int(fields[2], 16), path, path != name))
    return found


def read(proc: Path, pid: int) -> Mappings:
    """Empty when the process is gone or may not be looked at."""
    try:
        return Mappings(parse(procfs.read(f"{proc}/{pid}/maps", _MOST_BYTES)))
    except OSError:
        return Mappings([])
