"""The readings that a finding rests on, around the window that was judged, thinned to what a small picture shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from diagnose.models import Finding
from diagnose.reports.charts import evidence
from diagnose.reports.charts.figure import Line, Window
from diagnose.reports.diagnosis.document import Curve, Picture, Span
from diagnose.reports.evidence_charts import EvidenceChart, around, charts_of, readings_of

_MOST_PICTURES = 4
_MOST_CURVES = 4
_POINTS = 120


def of_finding(record: Finding, described: dict[str, Any], now: datetime) -> list[Picture]:
    """The first ones, in the order of the evidence; those whose readings are no longer kept are left out."""
    window = around(record.window_from, record.window_to, now)
    judged = Span(record.window_from, record.window_to)
    found = (
        _picture(record.host_id, chart, window, judged) for chart in charts_of(described)[:_MOST_PICTURES]
    )
    return [picture for picture in found if picture]


def _picture(host_id: int, chart: EvidenceChart, window: Window, judged: Span) -> Picture | None:
    read = readings_of(host_id, chart, window, _POINTS)
    largest = sorted((line for line in read.lines if len(line.values)), key=lambda line: -line.values.max())
    if not largest:
        return None
    factor = 100.0 if read.unit == "%" else 1.0
    return Picture(
        metric=chart.metric,
        unit=read.unit,
        limit=None if read.limit is None else read.limit * factor,
        span=Span(_moment(window.start_ns), _moment(window.end_ns)),
        judged=judged,
        curves=[_curve(line, factor) for line in largest[:_MOST_CURVES]],
    )


def _curve(line: Line, factor: float) -> Curve:
    values = [float(f"{value * factor:.6g}") for value in line.values]
    return Curve(evidence.name_of(line), [round(float(ns) / 1e9, 1) for ns in line.times_ns], values)


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)
