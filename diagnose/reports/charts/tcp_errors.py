"""What TCP lost, repeated or broke off, per second."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, layout, of_namespace, trace

TITLE = "TCP errors"
NOTE = "per second; other network namespaces where anything moved"
_NAMES = {
    "netstat_TcpExt_ListenOverflows": ("accept queue full", "series-bad"),
    "netstat_TcpExt_ListenDrops": ("dropped at listen", "series-2"),
    "netstat_Tcp_RetransSegs": ("retransmits", "series-1"),
    "netstat_Tcp_OutRsts": ("resets sent", "series-4"),
    "netstat_Tcp_EstabResets": ("resets of established", "series-6"),
}
READS = tuple(Reading(metric, "rate") for metric in _NAMES)


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    traces = []
    for line in lines:
        name, shade = _NAMES[line.metric]
        if not line.labels.get("netns") or line.values.any():
            traces.append(trace(line, of_namespace(line, name), shade, "/s"))
    return {"data": traces, "layout": layout(window)} if traces else None
