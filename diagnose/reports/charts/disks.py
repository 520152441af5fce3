"""How busy each disk is: the share of time in which at least one request was under way."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, layout, trace

TITLE = "Disks at work"
NOTE = "share of time with a request under way; an SSD that is always busy may still have room"
READS = (Reading("disk_io_time_seconds_total", "rate"),)
_SHOWN = 6


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    busiest = sorted((line for line in lines if len(line.values)), key=lambda line: -line.values.max())
    traces = [
        trace(
            Line(line.metric, line.labels, line.times_ns, (line.values * 100).clip(0, 100)),
            line.labels.get("device", "?"),
            f"series-{number}",
            "%",
        )
        for number, line in enumerate(busiest[:_SHOWN], 1)
    ]
    return {"data": traces, "layout": layout(window, unit=" %")} if traces else None
