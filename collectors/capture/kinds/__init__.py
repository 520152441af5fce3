"""Everything that can be captured on demand, one kind a file. A new one adds its line to ALL."""

from __future__ import annotations

from collectors.capture.kind import Kind
from collectors.capture.kinds import cpu, gil, wall

ALL: tuple[Kind, ...] = (
    cpu.KIND,
    wall.KIND,
    gil.KIND,
)
