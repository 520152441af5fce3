"""Which threads wait for the interpreter lock of CPython (the GIL), told by how and where they wait.

take_gil (Python/ceval_gil.c) waits at one condition variable of the process, five milliseconds at a time, for as long
as another thread holds the lock. So a thread waits for it that wakes up more than 50 times a second to wait on, is seen
in a timed futex wait while a thread of its process runs or wants to, at an address that others of the process wait at
too, inside the interpreter's own static data.

Told apart by that: idle threads that look at their queues every few milliseconds (each at an address of its own), and a
convoy at one `threading.Lock`, with a timeout or without (its address is allocated). A free-threaded interpreter has
none. Interpreters with a lock of their own (PEP 684) allocate it too, and are not seen.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable

from collectors.kernel import procfs

# CPython looks for the lock every 5 ms: far more often than an idle thread looks for work.
REARM_HZ = 50.0
# Seen waiting so in so many of the looks: on a busy host it waits for a CPU in the others.
REARM_LOOKS = 0.25
# A condition variable of glibc lets waiters sleep at two words in turn (struct __pthread_cond_s, __g_signals).
_PAIR = ~7
_MAPS_MOST_BYTES = 1 << 20


class InterpreterLocks:
    """Sums over the looks since the last `clear`, by process."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._waits: defaultdict[int, defaultdict[int, Counter[int]]] = defaultdict(
            lambda: defaultdict(Counter)
        )
        self._inside: dict[tuple[int, int], bool] = {}

    def add(self, pid: int, timed: Iterable[tuple[int, int]]) -> None:
        """A look at a process of which some thread runs: thread and address of its timed waits."""
        for thread, address in timed:
            self._waits[pid][address & _PAIR][thread] += 1

    def waiting(self, pid: int, often: Iterable[int], looks: int) -> int:
        """How many of the threads that wake up often wait for it."""
        shared = [
            threads
            for address, threads in self._waits.get(pid, {}).items()
            if len(threads) > 1 and self._is_inside(pid, address)
        ]
        return sum(any(threads[thread] >= looks * REARM_LOOKS for threads in shared) for thread in often)

    def clear(self) -> None:
        self._waits.clear()

    def _is_inside(self, pid: int, address: int) -> bool:
        if (pid, address) not in self._inside:
            if len(self._inside) > 256:
                self._inside.clear()
            try:
                maps = procfs.read(f"{self._root}/{pid}/maps", _MAPS_MOST_BYTES)
            except OSError:
                return False
            self._inside[pid, address] = is_static_data(maps, address)
        return self._inside[pid, address]


def is_static_data(maps: bytes, address: int) -> bool:
    """Whether an address lies in the data of the Python binary or library, by /proc/PID/maps.

    What is not initialised (.bss) is a mapping without a name that follows those of the file.
    """
    areas = [area for line in maps.splitlines() if (area := _area(line)) is not None]
    found = bisect.bisect_right(areas, address, key=lambda area: area[0]) - 1
    if found < 0 or address >= areas[found][1]:
        return False
    while not areas[found][2] and found and areas[found - 1][1] == areas[found][0]:
        found -= 1
    return b"python" in areas[found][2].rpartition(b"/")[2]


def _area(line: bytes) -> tuple[int, int, bytes] | None:
    """Begin, end and name, of `7f38-7f39 rw-p 0000 08:01 123   /usr/lib/libpython3.11.so.1.0`."""
    fields = line.split(None, 5)
    begin, dash, end = fields[0].partition(b"-") if len(fields) >= 5 else (b"", b"", b"")
    try:
        return (int(begin, 16), int(end, 16), fields[5] if len(fields) > 5 else b"") if dash else None
    except ValueError:
        return None
