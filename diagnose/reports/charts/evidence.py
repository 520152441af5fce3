"""One reading that a finding rests on: the lines, the threshold they are judged by, the window that was judged."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import (
    Band,
    Figure,
    Line,
    Window,
    layout,
    of_namespace,
    threshold,
    trace,
    with_bands,
)

_SHOWN = 6
# Labels that say where; the rest only tells series apart inside the store.
_NAMING = ("listener", "service", "pid", "cpu", "mode", "type", "kind", "thread", "part")


def name_of(line: Line) -> str:
    """What tells this line from the others of its metric."""
    name = " ".join(line.labels[key] for key in _NAMING if line.labels.get(key))
    return of_namespace(line, name or line.metric)


def figure(
    lines: Sequence[Line], window: Window, *, judged: Band, limit_value: float | None, unit: str
) -> Figure | None:
    """`unit` is "%" for ratios, which are drawn as percentages, "/s" for counters, else empty."""
    largest = sorted((line for line in lines if len(line.values)), key=lambda line: -line.values.max())
    if not largest:
        return None
    factor = 100.0 if unit == "%" else 1.0
    traces = [
        trace(
            Line(line.metric, line.labels, line.times_ns, line.values * factor),
            name_of(line),
            shade,
            unit,
        )
        for line, shade in zip(largest, (f"series-{n}" for n in range(1, _SHOWN + 1)), strict=False)
    ]
    limits = [] if limit_value is None else [threshold(limit_value * factor, "threshold")]
    drawn = {"data": traces, "layout": layout(window, unit=" %" if unit == "%" else "", shapes=limits)}
    return with_bands(drawn, [judged], window)
