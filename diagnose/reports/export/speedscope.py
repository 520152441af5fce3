"""speedscope's own file format: one sampled profile of weighted stacks. https://www.speedscope.app/file-format-schema.json"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diagnose.store.flamegraph import StackRow
from diagnose.store.names import FrameInfo
from diagnose.store.profiles import Merged

CONTENT_TYPE = "application/json"
_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_UNITS = {"bytes": "bytes", "count": "none", "nanoseconds": "nanoseconds"}


def export(name: str, merged: Merged, rows: Sequence[StackRow], *, threads: bool = False) -> dict[str, Any]:
    """Samples become nanoseconds by their period. `threads` puts the thread's name below each root."""
    numbers: dict[FrameInfo, int] = {}
    samples, weights = [], []
    for row in rows:
        frames = (FrameInfo(row.thread, "", 0, ""), *row.frames) if threads else row.frames
        samples.append([numbers.setdefault(frame, len(numbers)) for frame in frames])
        weights.append(row.count * merged.period_ns)
    profile = {
        "type": "sampled",
        "name": name,
        "unit": _UNITS.get(merged.unit, "nanoseconds"),
        "startValue": 0,
        "endValue": sum(weights),
        "samples": samples,
        "weights": weights,
    }
    return {
        "$schema": _SCHEMA,
        "name": name,
        "exporter": "diagnose",
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(frame) for frame in numbers]},
        "profiles": [profile],
    }


def _frame(frame: FrameInfo) -> dict[str, Any]:
    """Fields that are not known are left out."""
    known = {"name": frame.name, "file": frame.file, "line": frame.line}
    return {key: value for key, value in known.items() if value or key == "name"}
