"""The charts of a host page: each chart's readings from the store, drawn, with the findings' times shaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType

from diagnose.reports.charts import (
    accept_queue,
    cpu,
    gil,
    load,
    memory,
    processes,
    sockets,
    softirq,
    softnet,
    tcp_errors,
)
from diagnose.reports.charts.figure import Band, Figure, Line, Reading, Window, with_bands
from diagnose.store import series

# In the order of the page, by the id that the page and the figures share.
CHARTS: dict[str, ModuleType] = {
    "cpu": cpu,
    "load": load,
    "memory": memory,
    "processes": processes,
    "accept-queue": accept_queue,
    "tcp-errors": tcp_errors,
    "sockets": sockets,
    "softirq": softirq,
    "softnet": softnet,
    "gil": gil,
}


def lines(host_id: int, readings: Iterable[Reading], window: Window, points: int) -> list[Line]:
    """Down-sampled lines of every series that the readings name and that has values in the window."""
    found = []
    for reading in readings:
        refs = series.find([host_id], reading.metric, dict(reading.labels) or None)
        ranged = series.range_(refs, window.start_ns, window.end_ns, points=points, agg=reading.agg)
        found += [
            Line(line.ref.metric, line.ref.labels, line.times_ns, line.values)
            for line in ranged
            if len(line.times_ns)
        ]
    return found


def figures(
    host_id: int, window: Window, bands: Sequence[Band], points: int = 300
) -> dict[str, Figure | None]:
    """By chart id; None where nothing was measured in the window."""
    drawn: dict[str, Figure | None] = {}
    for name, chart in CHARTS.items():
        figure = chart.figure(lines(host_id, chart.READS, window, points), window)
        drawn[name] = None if figure is None else with_bands(figure, bands, window)
    return drawn
