"""What the network stack could not take off the CPUs' backlogs in time."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, layout, summed, trace

TITLE = "Packet backlogs"
NOTE = "per second; squeezes without drops or latency are no problem"
_NAMES = {
    "softnet_dropped_total": ("dropped", "series-bad"),
    "softnet_times_squeezed_total": ("squeezed", "series-6"),
}
READS = tuple(Reading(metric, "rate") for metric in _NAMES)


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    traces = []
    for metric, (name, shade) in _NAMES.items():
        found = [line for line in lines if line.metric == metric]
        if found:
            traces.append(trace(summed(found), name, shade, "/s"))
    return {"data": traces, "layout": layout(window)} if traces else None
