"""Which lines of a Python process run; it is not paused."""

from __future__ import annotations

from collectors.capture.kind import Kind, Request, Result, Watch
from collectors.capture.record import missing, record


def capture(request: Request, watch: Watch) -> Result:
    return record("cpu", request, watch)


KIND = Kind("python_cpu", "Which lines of a Python process run.", capture, missing)
