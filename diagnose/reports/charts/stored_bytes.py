"""Stored bytes per day, one bar a day, stacked by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time

from diagnose.reports.charts.figure import Figure, Trace, Window, color, layout, text

TITLE = "Stored by day"
NOTE = "bytes on disk of each day's data, UTC; the last bar is today's so far"
# From the bottom up: what is kept longest lies lowest, so that the tops of the bars show what will go.
_COLORS = ("series-3", "series-4", "series-2", "series-1", "series-5", "series-7")
_DAY_NS = 86_400 * 10**9
_FEWEST_DAYS = 14
# Three quarters of a day: left to Plotly, the only bar of a first day is a hair line.
_WIDTH_MS = 0.75 * 86_400_000


def figure(days: Sequence[date], by_class: Mapping[str, Sequence[int]]) -> Figure | None:
    """`by_class` has as many bytes as there are days, oldest first; the first class is drawn on top."""
    if not days:
        return None
    noons = [_noon_ms(day) for day in days]
    traces = [
        _bars(name, noons, sizes, color_name)
        for (name, sizes), color_name in zip(reversed([*by_class.items()]), _COLORS, strict=False)
    ]
    return {"data": traces, "layout": _layout(days)}


def _bars(name: str, noons: Sequence[int], sizes: Sequence[int], color_name: str) -> Trace:
    return {
        "type": "bar",
        "name": text(name),
        "x": list(noons),
        "y": list(sizes),
        "width": _WIDTH_MS,
        "marker": {"color": color(color_name)},
        "hovertemplate": "%{y:.3~s}B",
    }


def _layout(days: Sequence[date]) -> Figure:
    end_ns = _noon_ms(days[-1]) * 10**6 + _DAY_NS // 2
    first_ns = _noon_ms(days[0]) * 10**6 - _DAY_NS // 2
    drawn = layout(Window(min(first_ns, end_ns - _FEWEST_DAYS * _DAY_NS), end_ns), unit="B")
    axis = {**drawn["xaxis"], "hoverformat": "%a %b %d", "tickformat": "%b %d", "fixedrange": True}
    return {**drawn, "barmode": "stack", "dragmode": False, "xaxis": axis}


def _noon_ms(day: date) -> int:
    return int(datetime.combine(day, time(12), UTC).timestamp() * 1000)
