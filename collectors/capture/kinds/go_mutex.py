"""Who holds locks that other goroutines wait for, as the program itself tells."""

from __future__ import annotations

from collectors.capture.golang import profiles
from collectors.capture.golang.record import risen
from collectors.capture.kind import Kind, Request, Result, Watch


def capture(request: Request, watch: Watch) -> Result:
    return risen(profiles.MUTEX, request, watch)


KIND = Kind("go_mutex", "Who holds locks that other goroutines wait for.", capture)
