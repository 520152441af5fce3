"""Where goroutines wait for one another, as the program itself tells."""

from __future__ import annotations

from collectors.capture.golang import profiles
from collectors.capture.golang.record import risen
from collectors.capture.kind import Kind, Request, Result, Watch


def capture(request: Request, watch: Watch) -> Result:
    return risen(profiles.BLOCK, request, watch)


KIND = Kind("go_block", "Where goroutines wait for one another.", capture)
