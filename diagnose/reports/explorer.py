"""Any metric of any host or group over time: lines told apart by labels, or the percentiles of its histograms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from diagnose.reports import latencies
from diagnose.reports.charts import explored
from diagnose.reports.charts.figure import Figure, Line, Window
from diagnose.reports.charts.lines import Over, column_ns, on_grid
from diagnose.store import histograms, series
from diagnose.store.series import SeriesRef
from diagnose.store.summaries import Aggregate

# More are neither told apart by eye nor drawn within a second.
MOST_LINES = 40
_MOST_SERIES = 2000
_QUANTILES = {"median": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
ACROSS: tuple[Over, ...] = ("sum", "mean", "max")


@dataclass(frozen=True, slots=True)
class Question:
    """`host_ids` empty means all. `by` are the labels whose values are told apart, `host` among them; the others are
    taken together by `across`. Without `by` each series stands for itself."""

    metric: str
    host_ids: tuple[int, ...]
    labels: Mapping[str, str]
    agg: Aggregate | None
    by: tuple[str, ...]
    across: Over
    stacked: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """`left_out` lines are not drawn; `labels` are the names that the series carry, to choose `by` from."""

    lines: list[tuple[str, Line]]
    left_out: int
    labels: list[str]
    seconds: bool


def answer(question: Question, names: Mapping[int, str], window: Window) -> Answer:
    """The largest lines; of a metric of durations its percentiles."""
    refs = [
        ref
        for ref in series.find(list(question.host_ids), question.metric, question.labels or None)
        if ref.host_id in names
    ][:_MOST_SERIES]
    labels = sorted({label for ref in refs for label in ref.labels})
    groups = _grouped(refs, question, names)
    lines = _percentiles(groups, window)
    found = lines or sorted(_lines(groups, question, window), key=lambda one: -float(one[1].values.mean()))
    return Answer(found[:MOST_LINES], max(0, len(found) - MOST_LINES), ["host", *labels], bool(lines))


def figure(question: Question, found: Answer, window: Window) -> Figure | None:
    unit = "s" if found.seconds else explored.unit_of(question.metric)
    return explored.figure(found.lines, window, unit, stacked=question.stacked and not found.seconds)


def _grouped(
    refs: Sequence[SeriesRef], question: Question, names: Mapping[int, str]
) -> dict[str, list[SeriesRef]]:
    groups: dict[str, list[SeriesRef]] = defaultdict(list)
    several = len({ref.host_id for ref in refs}) > 1
    for ref in refs:
        known = {"host": names[ref.host_id], **ref.labels}
        by = question.by or (("host", *ref.labels) if several else tuple(ref.labels))
        groups[" · ".join(known[label] for label in by if known.get(label)) or question.metric].append(ref)
    return groups


def _lines(
    groups: Mapping[str, list[SeriesRef]], question: Question, window: Window
) -> Iterator[tuple[str, Line]]:
    every = [ref for refs in groups.values() for ref in refs]
    found = {
        line.ref.id: line for line in series.range_(every, window.start_ns, window.end_ns, agg=question.agg)
    }
    lines = {
        number: Line(line.ref.metric, line.ref.labels, line.times_ns, line.values)
        for number, line in found.items()
        if len(line.times_ns)
    }
    alone = not question.stacked and all(len(refs) == 1 for refs in groups.values())
    width = column_ns(list(lines.values()), window)
    for name, refs in groups.items():
        some = [lines[ref.id] for ref in refs if ref.id in lines]
        if some:
            yield name, some[0] if alone else Line("", {}, *on_grid(some, question.across, width))


def _percentiles(groups: Mapping[str, list[SeriesRef]], window: Window) -> list[tuple[str, Line]]:
    """Of each group, added up exactly; empty when the metric has no histograms."""
    some = dict(list(groups.items())[: MOST_LINES // len(_QUANTILES)])
    columns = latencies.columns_of(window)
    found = histograms.over_time(list(some.values()), window.start_ns, window.end_ns, columns)
    lines = []
    for name, maps in zip(some, found, strict=True):
        for one in maps[:1]:
            values = one.quantiles(list(_QUANTILES.values()))
            lines += [
                (f"{name} {title}" if len(some) > 1 else title, Line("", {}, one.times_ns, values[:, place]))
                for place, title in enumerate(_QUANTILES)
            ]
    return lines
