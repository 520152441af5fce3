"""Memory in use against what the host has, and swap in use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, area, layout, limit, trace

TITLE = "Memory"
NOTE = "in use = total − available"
READS = tuple(
    Reading(f"memory_{name}_bytes", "avg") for name in ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree")
)


def difference(whole: Line, part: Line) -> Line:
    """`whole` − `part` at the times both have."""
    times, left, right = np.intersect1d(whole.times_ns, part.times_ns, return_indices=True)
    return Line(whole.metric, {}, times, whole.values[left] - part.values[right])


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    by_name = {line.metric: line for line in lines}
    total, available = by_name.get("memory_MemTotal_bytes"), by_name.get("memory_MemAvailable_bytes")
    if total is None or available is None:
        return None
    traces = [area(difference(total, available), "in use", "series-1", "B"), limit(total, "total", unit="B")]
    swap, free = by_name.get("memory_SwapTotal_bytes"), by_name.get("memory_SwapFree_bytes")
    if swap is not None and free is not None and swap.values.any():
        traces.append(trace(difference(swap, free), "swap in use", "series-2", "B"))
    return {"data": traces, "layout": layout(window, unit="B")}
