"""Where all threads of a Python process are, those that wait too; it is not paused."""

from __future__ import annotations

from collectors.capture.kind import Kind, Request, Result, Watch
from collectors.capture.record import missing, record


def capture(request: Request, watch: Watch) -> Result:
    return record("wall", request, watch)


KIND = Kind(
    "python_wall", "Where all threads of a Python process are, those that wait too.", capture, missing
)
