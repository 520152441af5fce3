"""Which stacks are of a request under way, and which of a thread that waits for one.

A request begins where a server's or a framework's code calls the service's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from diagnose.correlate.attribution import is_library
from diagnose.correlate.layers.frames import layer_of_frame
from diagnose.correlate.samples import Frame, Stack

_SERVES = frozenset(("server", "http", "framework", "routing", "middleware", "queue"))
# A thread that the service itself started is no request, whatever it does.
_STARTS_THREADS = ("threading.py", "concurrent/futures/", "multiprocessing/")


def entry(frames: Sequence[Frame]) -> int | None:
    """The place of the outermost own function that a server called; None where none was."""
    served = False
    for place, frame in enumerate(frames):
        if served and not is_library(frame) and frame.name != "<module>":
            return place
        served = served or _serves(frame.name, frame.file)
    return None


def in_request(stack: Stack) -> bool:
    """Whether the thread is at a request."""
    return entry(stack.frames) is not None


@lru_cache(10_000)
def _serves(name: str, file: str) -> bool:
    if any(part in file for part in _STARTS_THREADS):
        return False
    return layer_of_frame(name, file) in _SERVES
