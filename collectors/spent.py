"""CPU time of threads of the agent that have a budget of their own, and so do not count against the agent's."""

from __future__ import annotations

import threading
import time

_by_thread: dict[int, float] = {}


def account() -> float:
    """What the calling thread has used since it began; said again and again, so that others may know."""
    seconds = _by_thread[threading.get_ident()] = time.thread_time()
    return seconds


def seconds() -> float:
    """Of all threads that have said so."""
    return sum(_by_thread.values())
