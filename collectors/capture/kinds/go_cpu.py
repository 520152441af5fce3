"""Functions of a Go program that run, as the program itself tells."""

from __future__ import annotations

from collectors.capture.golang import profiles
from collectors.capture.golang.record import sampled
from collectors.capture.kind import Kind, Request, Result, Watch


def capture(request: Request, watch: Watch) -> Result:
    return sampled(profiles.CPU, request, watch)


KIND = Kind("go_cpu", "Functions of a Go program that run.", capture)
