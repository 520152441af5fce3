"""Durations over time: how many fell into which bucket when, with the median and the slowest hundredth over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnose.reports.charts.figure import (
    Figure,
    Line,
    Trace,
    Window,
    color,
    layout,
    milliseconds,
    points,
    text,
)

# From nothing to the most of any cell: a few slow ones must show beside thousands of fast ones.
_SCALE = [[place, color(f"density-{step}")] for step, place in enumerate((0, 0.02, 0.1, 0.35, 1))]
_FEW_DECADES = 3
_UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
_LOWEST_SECONDS = 1e-6


@dataclass(frozen=True, slots=True)
class Durations:
    """`counts[i, j]` between `edges[j]` and `edges[j + 1]` seconds, in the column that begins at `times_ns[i]`.

    `p50` and `p99` are seconds by column; NaN where nothing was counted.
    """

    times_ns: NDArray[np.int64]
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    p50: NDArray[np.float64]
    p99: NDArray[np.float64]


def figure(found: Durations, window: Window, column_ns: int) -> Figure | None:
    """`column_ns` is how long a column is: times in which nothing was counted stay empty."""
    if not found.counts.size:
        return None
    middles = found.times_ns + column_ns // 2
    traces = [
        _heat(found, column_ns),
        _line(middles, found.p50, "median", "text"),
        _line(middles, found.p99, "p99", "series-bad"),
    ]
    return {"data": traces, "layout": _layout(window, found.edges)}


def spread(names: Sequence[str], edges: NDArray[np.float64], counts: NDArray[np.int64]) -> Figure | None:
    """One row for each name: how its durations are spread in the whole time, as shares of the row."""
    if not counts.size:
        return None
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) * 100
    heat = {
        "type": "heatmap",
        "x": _edges(edges),
        "y": [text(name) for name in names],
        "z": _cells(shares),
        "zmin": 0,
        "colorscale": _SCALE,
        "showscale": False,
        "hoverongaps": False,
        "hovertemplate": "%{y}, %{x:.3~s}s: %{z:.3~g} %<extra></extra>",
    }
    shown = layout(Window(0, 0))
    shown["xaxis"] = {**_log_axis(edges), "gridcolor": color("grid"), "linecolor": color("line-strong")}
    shown["yaxis"] = {
        "fixedrange": True,
        "type": "category",
        "autorange": "reversed",
        "automargin": True,
        "showgrid": False,
    }
    return {"data": [heat], "layout": {**shown, "hovermode": "closest", "dragmode": False}}


def _heat(found: Durations, column_ns: int) -> Trace:
    times, counts = _with_holes(found.times_ns, found.counts, column_ns)
    return {
        "type": "heatmap",
        "x": [milliseconds(ns) for ns in [*times.tolist(), int(times[-1]) + column_ns]],
        "y": _edges(found.edges),
        "z": _cells(counts.T),
        "zmin": 0,
        "colorscale": _SCALE,
        "showscale": False,
        "hoverongaps": False,
        "hovertemplate": "%{y:.3~s}s: %{z:,}<extra></extra>",
    }


def _with_holes(
    times: NDArray[np.int64], counts: NDArray[np.int64], column_ns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """An empty column after each that has no neighbour, or its colour would reach up to the next one."""
    lonely = np.flatnonzero(np.diff(times) > column_ns * 1.5) + 1
    empty = np.zeros((len(lonely), counts.shape[1]), np.int64)
    return np.insert(times, lonely, times[lonely - 1] + column_ns), np.insert(counts, lonely, empty, axis=0)


def _cells(rows: NDArray[Any]) -> list[list[float | None]]:
    """Nothing where nothing was counted: the ground shows there."""
    return [[None if value == 0 else float(f"{value:.3g}") for value in row] for row in rows.tolist()]


def _edges(edges: NDArray[np.float64]) -> list[float]:
    """The first bucket begins at 0, which has no place on a logarithmic axis."""
    shown = edges.copy()
    if len(shown) > 1 and shown[0] <= 0:
        shown[0] = max(shown[1] / 2, _LOWEST_SECONDS / 2)
    return [float(f"{value:.4g}") for value in shown.tolist()]


def _line(times: NDArray[np.int64], seconds: NDArray[np.float64], name: str, shade: str) -> Trace:
    x, y = points(Line("", {}, times, seconds))
    return {
        "type": "scatter",
        "mode": "lines" if len(times) > 1 else "markers",
        "name": name,
        "x": x,
        "y": y,
        "line": {"color": color(shade), "width": 1.4, "dash": "solid" if name == "median" else "dot"},
        "marker": {"color": color(shade), "size": 4},
        "hovertemplate": f"{name} %{{y:.3~s}}s<extra></extra>",
    }


def _layout(window: Window, edges: NDArray[np.float64]) -> dict[str, Any]:
    shown = layout(window)
    shown["yaxis"] = {**_log_axis(edges), "gridcolor": color("grid")}
    return {**shown, "hovermode": "closest"}


def _log_axis(edges: NDArray[np.float64]) -> dict[str, Any]:
    low, high = _edges(edges)[0], float(edges[-1])
    ticks = _ticks(low, high)
    return {
        "type": "log",
        "range": [float(np.log10(low)), float(np.log10(high))],
        "fixedrange": True,
        "zeroline": False,
        "tickvals": ticks,
        "ticktext": [_words(seconds) for seconds in ticks],
    }


def _ticks(low: float, high: float) -> list[float]:
    """Decades; of less than three of them also the 2 and the 5 between."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    steps = (1, 2, 5) if last - first <= _FEW_DECADES else (1,)
    every = [float(f"{step}e{decade}") for decade in range(first, last + 1) for step in steps]
    return [value for value in every if low <= value <= high]


def _words(seconds: float) -> str:
    unit, factor = next(each for each in _UNITS if seconds >= each[1] * 0.9999)
    return f"{seconds / factor:.0f} {unit}"
