"""The stack of every thread of a Python process at one moment, without local variables; it is not paused."""

from __future__ import annotations

from collectors.capture.dump import dump
from collectors.capture.kind import Kind
from collectors.capture.record import missing

KIND = Kind("python_dump", "The stack of every thread of a Python process at one moment.", dump, missing)
