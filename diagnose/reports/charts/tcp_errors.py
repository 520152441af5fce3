"""What TCP lost, repeated or broke off, per second."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, layout, trace

TITLE = "TCP errors"
NOTE = "per second, whole host (its own network namespace)"
_NAMES = {
    "netstat_TcpExt_ListenOverflows": ("accept queue full", "series-bad"),
    "netstat_TcpExt_ListenDrops": ("dropped at listen", "series-2"),
    "netstat_Tcp_RetransSegs": ("retransmits", "series-1"),
    "netstat_Tcp_OutRsts": ("resets sent", "series-4"),
    "netstat_Tcp_EstabResets": ("resets of established", "series-6"),
}
READS = tuple(Reading(metric, "rate") for metric in _NAMES)


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    traces = [trace(line, *_NAMES[line.metric], unit="/s") for line in lines if line.metric in _NAMES]
    return {"data": traces, "layout": layout(window)} if traces else None
