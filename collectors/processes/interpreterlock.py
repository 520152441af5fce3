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

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from collectors.kernel import procfs

# CPython looks for the lock every 5 ms: far more often than an idle thread looks for work.
REARM_HZ = 50.0
# Seen waiting so in so many of the looks: on a busy host it waits for a CPU in the others.
REARM_LOOKS = 0.25
# A condition variable of glibc lets waiters sleep at two words in turn (struct __pthread_cond_s, __g_signals).
_PAIR = ~7
_MAPS_MOST_BYTES = 1 << 22
_MOST_KEPT = 256
_INTERPRETER = re.compile(rb"/(?:lib)?python\d(?:\.\d+)?t?(?:\.so[\d.]*)?(?: \(deleted\))?$")


class InterpreterLocks:
    """Sums over the looks since the last `clear`, by process."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._waits: defaultdict[int, defaultdict[int, Counter[int]]] = defaultdict(
            lambda: defaultdict(Counter)
        )
        self._data: dict[int, list[tuple[int, int]]] = {}

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
        if pid not in self._data:
            if len(self._data) > _MOST_KEPT:
                self._data.clear()
            self._data[pid] = interpreter_data(self._root, pid)
        return any(start <= address < end for start, end in self._data[pid])


def interpreter_data(root: str, pid: int) -> list[tuple[int, int]]:
    """Writable memory of the interpreter's program or library: empty when the process is gone."""
    try:
        return parse_maps(procfs.read(f"{root}/{pid}/maps", _MAPS_MOST_BYTES))
    except OSError:
        return []


def parse_maps(maps: bytes) -> list[tuple[int, int]]:
    """Of /proc/PID/maps. What is not initialised (.bss) is a mapping without a name right behind those of the file.

    A program that holds the interpreter itself is known by its name only, `python3.11` and the like.
    """
    found: list[tuple[int, int]] = []
    end_before, ours = 0, False
    for line in maps.splitlines():
        fields = line.split(None, 5)
        try:
            start, end = (int(part, 16) for part in fields[0].split(b"-"))
        except (ValueError, IndexError):  # cut short
            continue
        path = fields[5] if len(fields) > 5 else b""
        ours = bool(_INTERPRETER.search(path)) if path else ours and start == end_before
        if ours and fields[1:2] and fields[1].startswith(b"rw"):
            found.append((start, end))
        end_before = end
    return found
