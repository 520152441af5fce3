"""CPU by mode, in CPUs: how many are at work, and for whom."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, area, layout, summed, threshold

TITLE = "CPU by mode"
NOTE = "CPUs in use; the dashed line is all of them"
READS = (Reading("cpu_seconds_total", "rate"),)
# From the bottom up; idle is what is left under the line.
_MODES = {
    "user": "series-1",
    "nice": "series-7",
    "system": "series-2",
    "irq": "series-4",
    "softirq": "series-bad",
    "iowait": "series-8",
    "steal": "series-6",
}


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    cpus = {line.labels.get("cpu", "") for line in lines}
    if not cpus:
        return None
    by_mode = {mode: [line for line in lines if line.labels.get("mode") == mode] for mode in _MODES}
    traces = [
        area(summed(found), mode, _MODES[mode])
        for mode, found in by_mode.items()
        if found and (mode in {"user", "system"} or any(line.values.any() for line in found))
    ]
    return {"data": traces, "layout": layout(window, shapes=[threshold(len(cpus), "")])}
