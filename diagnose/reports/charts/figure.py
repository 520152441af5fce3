"""What all charts share: readings as lines, the window, bands of findings, and how they become Plotly's dicts."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Figure = dict[str, Any]
Trace = dict[str, Any]
Aggregate = Literal["rate", "avg", "max", "min", "sum"]
# A hole this many times the usual distance between readings is shown as a hole, not bridged by a line.
_HOLE = 3.0
_LONGEST_NAME = 48
# Changes nearer to each other than this part of the window stand as one.
_MOST_MARKS = 40
_MOST_LINES = 6
_DAY_NS = 86_400 * 10**9
# d3's formats by unit: bytes with an SI prefix, all else as a plain number.
_FORMATS = {"B": ".3~s"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a chart reads: a metric, narrowed by labels; `agg` as in `store.series.range_`."""

    metric: str
    agg: Aggregate | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """Readings of one series in time order."""

    metric: str
    labels: Mapping[str, str]
    times_ns: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """The time a chart shows, whether or not there are readings in all of it."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Band:
    """A time to shade: when a finding held."""

    start_ns: int
    end_ns: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment to point at: something changed then. `text` has what."""

    at_ns: int
    text: str


def color(name: str) -> str:
    return f"var(--{name})"


def text(name: str) -> str:
    """A name for Plotly, which reads a subset of HTML: escaped, and short enough for a legend."""
    shown = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    return html.escape(shown, quote=False)


def of_namespace(line: Line, name: str) -> str:
    """The name, and the network namespace where it is not the host's own."""
    netns = line.labels.get("netns")
    return f"{name} (netns {netns})" if netns else name


def milliseconds(ns: int) -> int:
    return ns // 1_000_000


def summed(lines: Sequence[Line], metric: str = "", **labels: str) -> Line:
    """All lines as one, added up where they have readings at the same time."""
    times = np.concatenate([line.times_ns for line in lines])
    values = np.concatenate([line.values for line in lines])
    unique, place = np.unique(times, return_inverse=True)
    total = np.zeros(len(unique))
    np.add.at(total, place, values)
    return Line(metric or lines[0].metric, labels, unique, total)


def points(line: Line) -> tuple[list[int], list[float | None]]:
    """Milliseconds and values for JSON; None marks a hole, so that absence is never drawn as a reading."""
    times, values = line.times_ns, line.values
    if len(times) > 2:
        steps = np.diff(times)
        after = np.flatnonzero(steps > _HOLE * np.median(steps)) + 1
        times = np.insert(times, after, times[after - 1] + 1_000_000)
        values = np.insert(values, after, np.nan)
    shown = [float(f"{value:.5g}") if np.isfinite(value) else None for value in values.tolist()]
    return (times // 1_000_000).tolist(), shown


def trace(line: Line, name: str, color_name: str, unit: str = "", *, width: float = 1.6) -> Trace:
    """A line of a chart."""
    x, y = points(line)
    return {
        "type": "scatter",
        "mode": "lines" if len(x) > 1 else "markers",
        "name": text(name),
        "x": x,
        "y": y,
        "line": {"color": color(color_name), "width": width},
        "marker": {"color": color(color_name), "size": 5},
        "hovertemplate": f"%{{y:{_FORMATS.get(unit, ',.4~r')}}}{unit if unit == 'B' else ' ' + unit if unit else ''}",
    }


def area(line: Line, name: str, color_name: str, unit: str = "") -> Trace:
    """A line stacked upon the areas before it."""
    return {
        **trace(line, name, color_name, unit, width=0.8),
        "stackgroup": "all",
        "stackgaps": "infer zero",
    }


def limit(line: Line, name: str, color_name: str = "threshold", unit: str = "") -> Trace:
    """A limit that may change over time, dashed."""
    drawn = trace(line, name, color_name, unit, width=1.2)
    return {**drawn, "line": {**drawn["line"], "dash": "dash", "shape": "hv"}}


def threshold(value: float, words: str) -> dict[str, Any]:
    """A constant limit across the chart, as a layout shape."""
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "yref": "y",
        "y0": value,
        "y1": value,
        "line": {"color": color("threshold"), "width": 1.2, "dash": "dash"},
        "label": {
            "text": text(words),
            # Below the line, where a limit at the top of the chart leaves room, and away from the latest readings.
            "textposition": "start",
            "yanchor": "top" if value > 0 else "bottom",
            "font": {"size": 10, "color": color("threshold")},
        },
    }


def band_shape(band: Band, window: Window) -> dict[str, Any]:
    """A finding's time, shaded behind the lines and kept inside the window."""
    return {
        "type": "rect",
        "name": "band",
        "layer": "below",
        "xref": "x",
        "x0": milliseconds(max(band.start_ns, window.start_ns)),
        "x1": milliseconds(min(band.end_ns, window.end_ns)),
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "fillcolor": color("band"),
        "line": {"color": color("band-edge"), "width": 0.5},
        "label": {
            "text": text(band.text),
            "textposition": "top left",
            "font": {"size": 10, "color": color("threshold")},
        },
    }


def with_bands(figure: Figure, bands: Sequence[Band], window: Window) -> Figure:
    """The figure with every band that touches the window."""
    inside = [band for band in bands if band.end_ns > window.start_ns and band.start_ns < window.end_ns]
    shapes = [*figure["layout"].get("shapes", ()), *(band_shape(band, window) for band in inside)]
    return {**figure, "layout": {**figure["layout"], "shapes": shapes}}


def with_marks(figure: Figure, marks: Sequence[Mark], window: Window) -> Figure:
    """The figure with a dotted line and a sign that tells on hover, for each moment when something changed."""
    inside = together([mark for mark in marks if window.start_ns <= mark.at_ns < window.end_ns], window)
    shapes = [*figure["layout"].get("shapes", ()), *map(_mark_line, inside)]
    signs = [*figure["layout"].get("annotations", ()), *map(_mark_sign, inside)]
    return {**figure, "layout": {**figure["layout"], "shapes": shapes, "annotations": signs}}


def together(marks: Sequence[Mark], window: Window) -> list[Mark]:
    """Those that would stand on each other's pixels as one."""
    least_ns = (window.end_ns - window.start_ns) // _MOST_MARKS
    found: list[Mark] = []
    for mark in sorted(marks, key=lambda one: one.at_ns):
        if found and mark.at_ns - found[-1].at_ns < least_ns:
            found[-1] = Mark(found[-1].at_ns, f"{found[-1].text}\n{mark.text}")
        else:
            found.append(mark)
    return found


def _mark_line(mark: Mark) -> dict[str, Any]:
    return {
        "type": "line",
        "name": "mark",
        "layer": "below",
        "xref": "x",
        "x0": milliseconds(mark.at_ns),
        "x1": milliseconds(mark.at_ns),
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": color("mark"), "width": 1, "dash": "dot"},
    }


def _mark_sign(mark: Mark) -> dict[str, Any]:
    lines = mark.text.split("\n")
    told = [text(line) for line in lines[:_MOST_LINES]]
    left = [f"+ {len(lines) - _MOST_LINES}"] if len(lines) > _MOST_LINES else []
    return {
        "name": "mark",
        "xref": "x",
        "x": milliseconds(mark.at_ns),
        "yref": "paper",
        "y": 1,
        "yanchor": "middle",
        "text": "◆",
        "hovertext": "<br>".join([*told, *left]),
        "showarrow": False,
        "font": {"size": 10, "color": color("mark")},
    }


def layout(window: Window, *, unit: str = "", shapes: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Axes of a time chart. `unit` is written after the numbers of the value axis."""
    return {
        "margin": {"l": 48, "r": 12, "t": 8, "b": 24},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": color("font-text"), "size": 11, "color": color("text-soft")},
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": color("surface"),
            "bordercolor": color("line-strong"),
            "font": {"size": 11},
        },
        # The page writes the legend below the chart, where it cannot squeeze the plot.
        "showlegend": False,
        "dragmode": "zoom",
        "xaxis": {
            "type": "date",
            "range": [milliseconds(window.start_ns), milliseconds(window.end_ns)],
            "gridcolor": color("grid"),
            "linecolor": color("line-strong"),
            "hoverformat": "%b %d, %H:%M:%S",
            "tickformat": "%b %d, %H:%M" if window.end_ns - window.start_ns > _DAY_NS else "%H:%M",
            "tickangle": 0,
            "nticks": 6,
        },
        "yaxis": {
            "rangemode": "tozero",
            "fixedrange": True,
            "gridcolor": color("grid"),
            "zeroline": False,
            "nticks": 5,
            "ticksuffix": unit,
            "tickformat": _FORMATS.get(unit, ",~r"),
        },
        "shapes": list(shapes),
    }
