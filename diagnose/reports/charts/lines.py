"""Charts of readings that many hosts and processes have of one service: one line for all of them together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, area, layout, trace

_COLUMNS = 200
_SHOWN = 8
_STATUS = {"2xx": "series-3", "3xx": "series-1", "1xx": "series-8", "4xx": "series-6", "5xx": "series-bad"}
Over = Literal["sum", "mean", "max"]


@dataclass(frozen=True, slots=True)
class Lines:
    """`by` is the label whose values are told apart; `over` is how hosts and processes come together.

    `words` names the metrics where several are drawn. `unit` "%" is of ratios.
    """

    title: str
    note: str
    readings: tuple[Reading, ...]
    by: str = ""
    over: Over = "sum"
    unit: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


SERVICE: dict[str, Lines] = {
    "cpu": Lines("CPU", "CPUs in use, all hosts", (Reading("service_run_seconds_total", "rate"),)),
    "threads": Lines(
        "Threads by what they wait for", "on average", (Reading("service_threads_waiting", "avg"),), by="wait"
    ),
    "memory": Lines(
        "Memory", "resident, all processes", (Reading("process_resident_memory_bytes", "avg"),), unit="B"
    ),
    "go-heap": Lines(
        "Go: heap",
        "a collection is due at the goal",
        (Reading("go_heap_bytes", "avg"), Reading("go_heap_goal_bytes", "avg")),
        unit="B",
        words={"go_heap_bytes": "heap", "go_heap_goal_bytes": "goal"},
    ),
    "go-gc": Lines(
        "Go: garbage collection",
        "share of allowed CPU time, and of time in which it stopped the program",
        (Reading("go_gc_cpu_ratio", "avg"), Reading("go_gc_pause_seconds_total", "rate")),
        over="mean",
        unit="%",
        words={"go_gc_cpu_ratio": "CPU", "go_gc_pause_seconds_total": "stopped"},
    ),
    "go-procs": Lines(
        "Go: GOMAXPROCS and quota",
        "more CPUs than the quota allows end in throttling",
        (Reading("go_gomaxprocs", "avg"), Reading("cgroup_cpu_limit_cores", "avg")),
        over="max",
        words={"go_gomaxprocs": "GOMAXPROCS", "cgroup_cpu_limit_cores": "CPU quota"},
    ),
    "epoll": Lines(
        "Events and wake-ups",
        "a second; one event a wake-up is a loop that never batches",
        (Reading("epoll_events_total", "rate"), Reading("epoll_wakeups_total", "rate")),
        words={"epoll_events_total": "events", "epoll_wakeups_total": "wake-ups"},
    ),
    "gil": Lines(
        "Python: GIL held",
        "share of time in which some thread held it, mean of the processes",
        (Reading("python_gil_held_ratio", "avg"),),
        over="mean",
        unit="%",
    ),
    "gil-waiting": Lines(
        "Python: threads that wait for the GIL",
        "on average, all processes",
        (Reading("python_gil_waiting_threads", "avg"),),
    ),
    "python-threads": Lines(
        "Python: threads at work", "all processes", (Reading("python_active_threads", "avg"),)
    ),
}


def figure(chart: Lines, found: Sequence[Line], window: Window) -> Figure | None:
    """None where nothing was measured."""
    joined = together(found, chart, window)
    factor = 100.0 if chart.unit == "%" else 1.0
    traces = [
        trace(
            Line(line.metric, line.labels, line.times_ns, line.values * factor),
            name_of(chart, line),
            f"series-{number}",
            chart.unit,
        )
        for number, line in enumerate(joined[:_SHOWN], 1)
    ]
    shown = layout(window, unit=" %" if chart.unit == "%" else chart.unit)
    return {"data": traces, "layout": shown} if traces else None


def name_of(chart: Lines, line: Line) -> str:
    told = line.labels.get(chart.by, "") if chart.by else ""
    return told or chart.words.get(line.metric, chart.title)


def together(found: Sequence[Line], chart: Lines, window: Window) -> list[Line]:
    """One line for each metric and value of the chart's label, the largest first."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in found:
        groups[line.metric, line.labels.get(chart.by, "")].append(line)
    width = column_ns(found, window)
    joined = [
        Line(metric, {chart.by: value}, *on_grid(some, chart.over, width))
        for (metric, value), some in groups.items()
    ]
    return sorted(joined, key=lambda line: -float(line.values.mean()))


def column_ns(found: Sequence[Line], window: Window) -> int:
    """How wide columns are that most lines have two readings in, so that no host is missing in every other one."""
    steps = [float(np.median(np.diff(line.times_ns))) for line in found if len(line.times_ns) > 2]
    usual = int(np.median(steps)) if steps else 0
    return max(1, (window.end_ns - window.start_ns) // _COLUMNS, 2 * usual)


def on_grid(found: Sequence[Line], over: Over, width: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Hosts are read at times of their own: each line's mean in every column, then all of the column together."""
    columns = [_by_column(line, width) for line in found]
    places = np.unique(np.concatenate([place for place, _ in columns]))
    grid = np.full((len(columns), len(places)), np.nan)
    for row, (place, values) in enumerate(columns):
        grid[row, np.searchsorted(places, place)] = values
    return places * width, _over_rows(grid, over)


def _over_rows(grid: NDArray[np.float64], over: Over) -> NDArray[np.float64]:
    if over == "max":
        return np.asarray(np.nanmax(grid, axis=0), np.float64)
    return np.asarray(np.nanmean(grid, axis=0) if over == "mean" else np.nansum(grid, axis=0), np.float64)


def _by_column(line: Line, width: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    place, column = np.unique(line.times_ns // width, return_inverse=True)
    return place, np.bincount(column, line.values) / np.bincount(column)


def rates(by_class: Mapping[str, Line], window: Window) -> Figure | None:
    """Requests a second by class of status, the failures on top."""
    ordered = [name for name in _STATUS if name in by_class] + sorted(by_class.keys() - _STATUS.keys())
    traces = [area(by_class[name], name, _STATUS.get(name, "series-8"), "/s") for name in ordered]
    return {"data": traces, "layout": layout(window)} if traces else None
