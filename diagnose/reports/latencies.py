"""Durations that were counted in histograms, added up over series and drawn over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diagnose.reports.charts import durations
from diagnose.reports.charts.durations import Durations
from diagnose.reports.charts.figure import Figure, Window
from diagnose.store import histograms
from diagnose.store.histograms import HeatMap
from diagnose.store.rows import HOUR_NS, NS_PER_SECOND
from diagnose.store.series import SeriesRef

_COLUMNS = 90
# As often as collectors tell of histograms: shorter columns would be empty in turn.
_INTERVAL_NS = 10 * NS_PER_SECOND
# Beyond it a column is an hour, whose sums are kept: a day of ten-second intervals takes a second to add up.
_FINE_NS = 6 * HOUR_NS
_MOST_ROWS = 24


@dataclass(frozen=True, slots=True)
class Latency:
    """A chart of durations; all series of the metrics are added up."""

    title: str
    note: str
    metrics: tuple[str, ...]


def columns_of(window: Window) -> int:
    """About how many columns a chart of the window has."""
    length_ns = window.end_ns - window.start_ns
    if length_ns <= _FINE_NS:
        return max(1, min(_COLUMNS, length_ns // _INTERVAL_NS))
    return max(2, min(_COLUMNS * 4, length_ns // HOUR_NS))


def figures(groups: Mapping[str, Sequence[SeriesRef]], window: Window) -> dict[str, Figure | None]:
    """One for each group; None where nothing was counted."""
    columns = columns_of(window)
    found = histograms.over_time(list(groups.values()), window.start_ns, window.end_ns, columns)
    column_ns = max(1, (window.end_ns - window.start_ns) // columns)
    return {
        name: _figure(max(maps, key=lambda one: one.count), window, column_ns) if maps else None
        for name, maps in zip(groups, found, strict=True)
    }


def _figure(found: HeatMap, window: Window, column_ns: int) -> Figure | None:
    p50, p99 = found.quantiles([0.5, 0.99]).T
    drawn = Durations(found.times_ns, found.edges, found.counts, p50, p99)
    return durations.figure(drawn, window, column_ns)


def spread_by(label: str, refs: Sequence[SeriesRef], window: Window) -> Figure | None:
    """A row for each value of the label, the busiest ones, over the whole window."""
    groups: dict[str, list[SeriesRef]] = defaultdict(list)
    for ref in refs:
        groups[ref.labels.get(label, "?")].append(ref)
    found = histograms.over_time(list(groups.values()), window.start_ns, window.end_ns, 1)
    rows = [(name, maps[0].whole()) for name, maps in zip(groups, found, strict=True) if maps]
    busiest = sorted(rows, key=lambda row: -row[1].count)[:_MOST_ROWS]
    if not busiest:
        return None
    ordered = sorted(busiest, key=lambda row: (len(row[0]), row[0]))
    first = min(one.first for _, one in ordered)
    last = max(one.first + one.counts.shape[1] for _, one in ordered)
    counts = np.zeros((len(ordered), last - first), np.int64)
    for place, (_, one) in enumerate(ordered):
        counts[place, one.first - first : one.first - first + one.counts.shape[1]] = one.counts[0]
    widest = HeatMap(ordered[0][1].scheme, ordered[0][1].times_ns, first, counts, np.zeros(1))
    return durations.spread([name for name, _ in ordered], widest.edges, counts)
