"""CPU time that quotas kept from groups: one second a second is a whole CPU's worth of waiting."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, layout, trace

TITLE = "Held back by CPU quotas"
NOTE = "seconds a second, by group; the share of throttled periods alone says little"
READS = (Reading("cgroup_cpu_throttled_seconds_total", "rate"),)
_SHOWN = 6


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    held = sorted((line for line in lines if line.values.any()), key=lambda line: -line.values.mean())
    traces = [
        trace(line, line.labels.get("service") or line.labels.get("cgroup", "?"), f"series-{number}", "s/s")
        for number, line in enumerate(held[:_SHOWN], 1)
    ]
    return {"data": traces, "layout": layout(window)} if traces else None
