"""How many threads wait for the interpreter lock of a process, from what the samples show of it."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.signals.process_cpu import Process
from diagnose.correlate.signals.python_gil import GilOf

# threads that py-spy takes for awake; one runs, the others wake every 5 ms to ask for the lock again. A thread that
# stands in Python code but sleeps in a system call is never awake (measured: 0.98 with one client of a CPU-bound
# handler, 1.5 to 5.8 with eight)
LEAST_AWAKE = 1.1
# threads beside the one that runs; less may be native code that runs without the lock
LEAST_AWAKE_BESIDE = 0.5
# cores; above it much of the work runs outside the lock, and who is awake does not wait for it
ONE_CORE = 1.4


@dataclass(frozen=True, slots=True)
class Waiting:
    """Mean number of threads that wait, and the low end of its 95 % interval. `seen` in their stacks, or else told by
    how many are awake."""

    threads: float
    low: float
    seen: bool


def waiting_for_lock(lock: GilOf, process: Process | None) -> Waiting:
    """The larger of two lower bounds.

    Stacks show those that were stopped inside a function that holds the lock; those that come back from a system
    call and ask for it stand in that call still, and only being awake tells on them.
    """
    awake = lock.active_threads
    seen = lock.waiting_threads or 0.0
    if awake is not None and awake < LEAST_AWAKE:
        return Waiting(0.0, 0.0, True)
    beside = 0.0 if awake is None else awake - 1.0
    if process is not None and process.cores > ONE_CORE:
        beside = 0.0
    if beside >= LEAST_AWAKE_BESIDE and beside > seen:
        return Waiting(beside, max(0.0, (lock.active_threads_low or 0.0) - 1.0), False)
    return Waiting(seen, lock.waiting_threads_low or 0.0, True)
