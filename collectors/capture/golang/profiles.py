"""What Go serves, and which of our types it is."""

from __future__ import annotations

from typing import NamedTuple

from collectors.formats.stacks import Meaning

# Go's sampler ticks at this rate, whatever is asked for.
CPU_HZ = 100


class Value(NamedTuple):
    """`cumulative`: it counts since the process began, so that only its increase tells of a time."""

    meaning: Meaning
    cumulative: bool = False


class Served(NamedTuple):
    """`path` below `/debug/pprof`; `needs` is what a program has to do for it."""

    path: str
    values: tuple[Value, ...]
    needs: str = ""


CPU = Served("profile", (Value(Meaning("samples", "cpu", "samples")),))
HEAP = Served(
    "heap",
    (
        Value(Meaning("inuse_space", "inuse_space", "bytes")),
        Value(Meaning("alloc_space", "alloc_space", "bytes"), cumulative=True),
    ),
)
GOROUTINE = Served("goroutine", (Value(Meaning("goroutine", "goroutine", "count")),))
MUTEX = Served(
    "mutex",
    (Value(Meaning("delay", "mutex", "nanoseconds"), cumulative=True),),
    "call runtime.SetMutexProfileFraction, with 100 for instance",
)
BLOCK = Served(
    "block",
    (Value(Meaning("delay", "block", "nanoseconds"), cumulative=True),),
    "call runtime.SetBlockProfileRate, with 1000000 for instance",
)
