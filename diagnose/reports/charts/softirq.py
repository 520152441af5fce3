"""Heat map of the time each CPU spends in softirqs: one hot row is what a host-wide average hides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, color, layout, milliseconds

TITLE = "Softirq time per CPU"
NOTE = "share of each CPU's time; one hot row is an imbalance that the average hides"
READS = (Reading("cpu_seconds_total", "rate", {"mode": "softirq"}),)
_SCALE = [[place, color(f"heat-{step}")] for step, place in enumerate((0, 0.1, 0.35, 0.7, 1))]


def number_of(cpu: str) -> tuple[int, str]:
    """Sorts cpu2 before cpu10."""
    digits = "".join(filter(str.isdigit, cpu))
    return (int(digits) if digits else -1, cpu)


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    rows = sorted(lines, key=lambda line: number_of(line.labels.get("cpu", "")))
    if not rows:
        return None
    times = np.unique(np.concatenate([line.times_ns for line in rows]))
    grid: list[list[float | None]] = []
    for line in rows:
        at = dict(zip(line.times_ns.tolist(), line.values.tolist(), strict=True))
        grid.append([None if ns not in at else round(min(at[ns], 1.0) * 100, 2) for ns in times.tolist()])
    names = [f"cpu{line.labels.get('cpu', '').removeprefix('cpu')}" for line in rows]
    heat = {
        "type": "heatmap",
        "x": [milliseconds(ns) for ns in times.tolist()],
        "y": names,
        "z": grid,
        "zmin": 0,
        "zmax": 100,
        "colorscale": _SCALE,
        "hoverongaps": False,
        "hovertemplate": "%{y}, %{x|%H:%M:%S}: %{z:.3~g} %<extra></extra>",
        "colorbar": {"thickness": 8, "len": 1, "ticksuffix": " %", "nticks": 4, "outlinewidth": 0},
    }
    shown = layout(window)
    shown["yaxis"] = {"fixedrange": True, "type": "category", "autorange": "reversed", "showgrid": False}
    return {"data": [heat], "layout": {**shown, "hovermode": "closest", "showlegend": False}}
