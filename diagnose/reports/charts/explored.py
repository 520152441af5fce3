"""Lines that a person asked for by name."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Window, area, layout, trace

_COLORS = 8


def figure(lines: Sequence[tuple[str, Line]], window: Window, unit: str, *, stacked: bool) -> Figure | None:
    """`unit` is "B", "%" for ratios, "s", or empty."""
    draw = area if stacked else trace
    factor = 100.0 if unit == "%" else 1.0
    traces = [
        draw(
            Line(line.metric, line.labels, line.times_ns, line.values * factor),
            name,
            f"series-{number % _COLORS + 1}",
            unit,
        )
        for number, (name, line) in enumerate(lines)
    ]
    shown = layout(window, unit=" %" if unit == "%" else unit)
    if unit == "s":
        shown["yaxis"]["tickformat"] = "~s"
    return {"data": traces, "layout": shown} if traces else None


def unit_of(metric: str) -> str:
    """By the metric's name, which ends with its unit. Of a counter of seconds the rate has none."""
    if metric.endswith("_ratio"):
        return "%"
    if metric.removesuffix("_total").endswith("_bytes"):
        return "B"
    return "s" if metric.endswith("_seconds") else ""
