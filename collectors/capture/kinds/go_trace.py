"""Go's execution trace: every start and stop of a goroutine, every pause, as a file for `go tool trace`."""

from __future__ import annotations

from collectors.capture.golang.record import traced
from collectors.capture.kind import Kind

KIND = Kind("go_trace", "An execution trace of a Go program, as a file for `go tool trace`.", traced)
