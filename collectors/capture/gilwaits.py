"""How many threads of a Python process wait for the interpreter lock, by the futex that they wait on.

py-spy cannot tell: it takes a thread that waits for the lock for idle, as the kernel does (of four threads that compete
it calls 1.4 active). But CPython's condition variable of the lock lies in the interpreter's own data (`_PyRuntime`),
while locks that programs make lie on the heap or, from 3.13 on, on a thread's stack. So who waits on a futex inside of
the data of the interpreter waits for the lock: pycore_gil.h and ceval_gil.c, CPython 3.9 to 3.14. A sub-interpreter
with a lock of its own (3.12) has it on the heap and is not seen; a free-threaded build has none.
"""

# ruff: noqa: PTH208 - pathlib costs five times as much, and this runs for every thread
from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel import procfs, waits
from collectors.processes.interpreterlock import interpreter_data

# Of one core, for a process: a thread takes about 10 µs, so eight threads are looked at several times a second.
LOOK_SHARE = 0.0005
LEAST_SECONDS = 0.2
_MOST_THREADS = 64


@dataclass(slots=True)
class Shares:
    """Sums over looks: threads that waited for the lock, and those that ran or waited for a CPU."""

    looks: int = 0
    waiting: int = 0
    running: int = 0


class GilWaits:
    """Looks at one process; `shares` grow until they are taken. Where it may not look they stay empty."""

    def __init__(self, pid: int, proc: Path) -> None:
        self._root, self._pid = str(proc), pid
        self._ranges = interpreter_data(str(proc), pid)
        self._next = 0.0
        self.shares = Shares()

    def look(self, now: float) -> None:
        """When it is due and affordable again."""
        if now < self._next or not self._ranges:
            return
        began = time.thread_time()
        self._look()
        self._next = now + max(LEAST_SECONDS, (time.thread_time() - began) / LOOK_SHARE)

    def _look(self) -> None:
        directory = f"{self._root}/{self._pid}/task"
        try:
            threads = os.listdir(directory)
        except OSError:  # it ended
            return
        step = -(-len(threads) // _MOST_THREADS)
        for thread in threads[self.shares.looks % step :: step]:
            try:
                wait = waits.parse(procfs.read_record(f"{directory}/{thread}/syscall"), self._root, self._pid)
            except OSError:  # it ended, or we may not
                continue
            self.shares.running += wait.kind == "running"
            self.shares.waiting += any(start <= wait.futex < end for start, end in self._ranges)
        self.shares.looks += 1
