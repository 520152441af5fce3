"""Which lines of a Python process hold the interpreter lock; it is not paused."""

from __future__ import annotations

from collectors.capture.kind import Kind, Request, Result, Watch
from collectors.capture.record import missing, record


def capture(request: Request, watch: Watch) -> Result:
    return record("gil", request, watch)


KIND = Kind("python_gil", "Which lines of a Python process hold the interpreter lock.", capture, missing)
