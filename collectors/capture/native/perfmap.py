"""Functions that a runtime made while it ran (Node, Java, Python), as it tells them in `/tmp/perf-PID.map`."""

from __future__ import annotations

import os
import re
import stat
import time
from array import array
from bisect import bisect_right
from pathlib import Path

_LINE = re.compile(rb"^([0-9a-fA-F]{1,16}) ([0-9a-fA-F]{1,8}) (.+)$", re.MULTILINE)
_MOST_BYTES = 32 << 20
_AGAIN_SECONDS = 10.0


class PerfMap:
    """Of one process, in its own mount and pid namespaces. Grows while the process runs, and is read again then."""

    def __init__(self, proc: Path, pid: int) -> None:
        self._folder = f"{proc}/{pid}"
        self._size = -1
        self._read_at = -_AGAIN_SECONDS
        self._starts, self._ends = array("Q"), array("Q")
        self._names: list[bytes] = []

    def name_at(self, address: int) -> str | None:
        """None when the runtime told no function there."""
        found = self._find(address)
        if found is None and time.monotonic() - self._read_at >= _AGAIN_SECONDS:
            self._read_at = time.monotonic()
            if self._read():
                found = self._find(address)
        return found

    def _find(self, address: int) -> str | None:
        at = bisect_right(self._starts, address) - 1
        return self._names[at].decode("utf-8", "replace") if at >= 0 and address < self._ends[at] else None

    def _read(self) -> bool:
        """Whether there was something new. Anybody may write in /tmp: only the process's user and root are believed."""
        try:
            owner = Path(self._folder).stat().st_uid
            path = f"{self._folder}/root/tmp/perf-{self._own_pid()}.map"
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError):
            return False
        with os.fdopen(descriptor, "rb") as stream:
            about = os.fstat(descriptor)
            if (
                not stat.S_ISREG(about.st_mode)
                or about.st_uid not in {0, owner}
                or about.st_size == self._size
            ):
                return False
            self._size = about.st_size
            self._take(stream.read(_MOST_BYTES))
        return True

    def _own_pid(self) -> int:
        """What the process calls itself, in the innermost of its namespaces."""
        for line in Path(self._folder, "status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
        raise ValueError(f"{self._folder}/status has no NSpid")

    def _take(self, text: bytes) -> None:
        """Of two functions at one place the later counts: code that is not used any more makes room."""
        rows = {int(start, 16): (int(size, 16), name) for start, size, name in _LINE.findall(text)}
        starts = sorted(rows)
        self._starts = array("Q", starts)
        self._ends = array("Q", (start + rows[start][0] for start in starts))
        self._names = [rows[start][1] for start in starts]
