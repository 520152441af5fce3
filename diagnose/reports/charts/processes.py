"""CPU of the busiest processes."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, layout, trace

TITLE = "Busiest processes"
NOTE = "CPUs in use"
READS = (Reading("process_cpu_seconds_total", "rate"),)
_SHOWN = 6


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    busiest = sorted((line for line in lines if len(line.values)), key=lambda line: -line.values.mean())
    traces = [
        trace(
            line, f"{line.labels.get('service') or '?'} ({line.labels.get('pid', '?')})", f"series-{number}"
        )
        for number, line in enumerate(busiest[:_SHOWN], 1)
    ]
    return {"data": traces, "layout": layout(window)} if traces else None
