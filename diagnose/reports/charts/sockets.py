"""TCP connections by state, and sockets that no process holds any more."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, layout, trace

TITLE = "Sockets by state"
NOTE = "in the host's own network namespace; TIME_WAIT alone is harmless while there are ports to spare"
_STATE = "tcp_connection_states"
_STATES = {
    "established": "series-1",
    "time_wait": "series-8",
    "syn_sent": "series-6",
    "syn_recv": "series-2",
    "close_wait": "series-4",
    "fin_wait1": "series-5",
    "fin_wait2": "series-7",
    "last_ack": "series-3",
    "closing": "series-6",
}
# Where connections are not told apart, what the kernel counts by itself.
_COUNTS = {
    "netstat_Tcp_CurrEstab": ("established", "series-1"),
    "sockstat_TCP_tw": ("time_wait", "series-8"),
}
_ALWAYS = {
    "sockstat_TCP_orphan": ("orphans", "series-bad"),
    "sockstat_UDP_inuse": ("UDP in use", "series-5"),
}
READS = (Reading(_STATE, "max"), *(Reading(metric, "max") for metric in (*_COUNTS, *_ALWAYS)))


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    own = [line for line in lines if not line.labels.get("netns")]
    by_state = [line for line in own if line.metric == _STATE and line.labels.get("state") in _STATES]
    named = _ALWAYS if by_state else _COUNTS | _ALWAYS
    traces = [
        trace(line, state, _STATES[state])
        for line in by_state
        if (state := line.labels["state"]) == "established" or line.values.any()
    ]
    traces += [trace(line, *named[line.metric]) for line in own if line.metric in named]
    return {"data": traces, "layout": layout(window)} if traces else None
