"""How much of the time some thread held the GIL, by Python process."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, layout, trace

TITLE = "Python: GIL held"
NOTE = "share of samples in which some thread held it"
READS = (Reading("python_gil_held_ratio", "avg"),)
_SHOWN = 6


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    most = sorted((line for line in lines if len(line.values)), key=lambda line: -line.values.mean())
    traces = []
    for number, line in enumerate(most[:_SHOWN], 1):
        share = Line(line.metric, line.labels, line.times_ns, line.values * 100)
        name = f"{line.labels.get('service') or '?'} ({line.labels.get('pid', '?')})"
        traces.append(trace(share, name, f"series-{number}", "%"))
    shown = layout(window, unit=" %")
    shown["yaxis"]["range"] = [0, 105]
    return {"data": traces, "layout": shown} if traces else None
