"""Sockets by what they are."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, layout, trace

TITLE = "Sockets"
NOTE = "in the host's own network namespace; TIME_WAIT alone is harmless while there are ports to spare"
_NAMES = {
    "netstat_Tcp_CurrEstab": ("TCP established", "series-1"),
    "sockstat_TCP_inuse": ("TCP in use", "series-3"),
    "sockstat_TCP_tw": ("TIME_WAIT", "series-8"),
    "sockstat_TCP_orphan": ("orphans", "series-bad"),
    "sockstat_UDP_inuse": ("UDP in use", "series-5"),
}
READS = tuple(Reading(metric, "max") for metric in _NAMES)


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    own = [line for line in lines if not line.labels.get("netns")]
    traces = [trace(line, *_NAMES[line.metric]) for line in own]
    return {"data": traces, "layout": layout(window)} if traces else None
