"""Run queue and load, and how much of the time some task waited for a CPU."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, layout, trace

TITLE = "Run queue and load"
NOTE = "tasks; load also counts uninterruptible sleep"
READS = (
    Reading("procs_running", "avg"),
    Reading("load1", "avg"),
    Reading("pressure_cpu_waiting_seconds_total", "rate"),
)
_NAMES = {
    "procs_running": ("runnable", "series-1"),
    "load1": ("load, 1 min", "series-8"),
    "pressure_cpu_waiting_seconds_total": ("share of time waiting (PSI)", "series-bad"),
}


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    traces = [trace(line, *_NAMES[line.metric]) for line in lines]
    return {"data": traces, "layout": layout(window)} if traces else None
