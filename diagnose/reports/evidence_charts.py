"""The charts of a finding: one for each reading it rests on, around the window that was judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from diagnose.reports.charts import evidence
from diagnose.reports.charts.figure import Band, Figure, Line, Window
from diagnose.reports.finding_groups import Described
from diagnose.store import series

# Enough before and after to see that it was otherwise.
_AROUND = timedelta(minutes=10)
_POINTS = 300


@dataclass(frozen=True, slots=True)
class EvidenceChart:
    """`id` names the chart on the page; lines of evidence about the same series share one."""

    id: str
    metric: str
    labels: dict[str, str]
    thresholds: list[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Readings:
    """`unit` is "%" for ratios, "/s" for counters, else empty; `limit` is as it was judged (ratios from 0 to 1)."""

    lines: list[Line]
    unit: str
    limit: float | None


def charts_of(finding: Described) -> list[EvidenceChart]:
    """In the order of the evidence."""
    charts: dict[tuple[Any, ...], EvidenceChart] = {}
    for line in finding["evidence"]:
        if not line["metric"] or line["kind"] == "missing":
            continue
        new = EvidenceChart(f"chart-{len(charts) + 1}", line["metric"], dict(line["labels"]), [])
        chart = charts.setdefault(key_of(line), new)
        if line["threshold"] is not None:
            chart.thresholds.append((line["threshold"], line["unit"] or ""))
    return list(charts.values())


def key_of(line: dict[str, Any]) -> tuple[Any, ...]:
    """What tells the series of one line of evidence from those of another."""
    return (line["metric"], *sorted(line["labels"].items()))


def around(start: datetime, end: datetime, now: datetime) -> Window:
    """The window that was judged with a margin, not reaching into the future."""
    first, last = start - _AROUND, min(end + _AROUND, now)
    return Window(int(first.timestamp() * 1e9), int(last.timestamp() * 1e9))


def figures(
    host_id: int, charts: Sequence[EvidenceChart], window: Window, judged: Band
) -> dict[str, Figure | None]:
    """By chart id; None where the readings are no longer kept."""
    return {chart.id: _figure(host_id, chart, window, judged) for chart in charts}


def readings_of(host_id: int, chart: EvidenceChart, window: Window, points: int) -> Readings:
    """What a chart shows."""
    refs = series.find([host_id], chart.metric, chart.labels)
    counter = any(ref.counter for ref in refs)
    ranged = series.range_(refs, window.start_ns, window.end_ns, points, "rate" if counter else "max")
    lines = [Line(line.ref.metric, line.ref.labels, line.times_ns, line.values) for line in ranged]
    unit = "/s" if counter else "%" if chart.metric.endswith("_ratio") else ""
    limits = (value for value, of in chart.thresholds if unit_of_threshold(of) == unit)
    return Readings(lines, unit, next(limits, None))


def _figure(host_id: int, chart: EvidenceChart, window: Window, judged: Band) -> Figure | None:
    read = readings_of(host_id, chart, window, _POINTS)
    return evidence.figure(read.lines, window, judged=judged, limit_value=read.limit, unit=read.unit)


def unit_of_threshold(unit: str) -> str:
    """The unit of a chart that such a threshold can be drawn in: a share of readings has none among the readings."""
    if unit == "ratio":
        return "%"
    return "/s" if unit.endswith("/s") or unit == "cores" else ""
