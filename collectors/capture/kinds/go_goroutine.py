"""Where all goroutines of a Go program are, as the program itself tells."""

from __future__ import annotations

from collectors.capture.golang import profiles
from collectors.capture.golang.record import at_once
from collectors.capture.kind import Kind, Request, Result, Watch


def capture(request: Request, watch: Watch) -> Result:
    return at_once(profiles.GOROUTINE, request, watch)


KIND = Kind("go_goroutine", "Where all goroutines of a Go program are.", capture)
