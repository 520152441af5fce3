"""Everything that can be captured on demand, one kind a file. A new one adds its line to ALL."""

from __future__ import annotations

from collectors.capture.kind import Kind
from collectors.capture.kinds import (
    go_block,
    go_cpu,
    go_goroutine,
    go_heap,
    go_mutex,
    go_trace,
    native_cpu,
    offcpu,
    python_cpu,
    python_dump,
    python_gil,
    python_native,
    python_wall,
)

ALL: tuple[Kind, ...] = (
    python_cpu.KIND,
    python_wall.KIND,
    python_gil.KIND,
    python_native.KIND,
    python_dump.KIND,
    go_cpu.KIND,
    go_heap.KIND,
    go_goroutine.KIND,
    go_mutex.KIND,
    go_block.KIND,
    go_trace.KIND,
    native_cpu.KIND,
    offcpu.KIND,
)

# What the kinds were called when there was only Python.
_ALIASES = {"cpu": "python_cpu", "wall": "python_wall", "gil": "python_gil"}


def named(name: str) -> Kind | None:
    """None for what this collector does not know."""
    wanted = _ALIASES.get(name, name)
    return next((kind for kind in ALL if kind.name == wanted), None)
