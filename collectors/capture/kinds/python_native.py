"""Which lines and which native functions of a Python process run; it is paused at each sample."""

from __future__ import annotations

from collectors.capture.kind import Kind, Request, Result, Watch
from collectors.capture.record import missing, record


def capture(request: Request, watch: Watch) -> Result:
    return record("native", request, watch)


KIND = Kind(
    "python_native",
    "Which lines and native functions of a Python process run: pauses it for some milliseconds at each sample.",
    capture,
    missing,
)
