"""The charts of a service page: its requests, its time, and what its runtime does, over all of its hosts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from diagnose.reports import latencies, service_list
from diagnose.reports.charts import lines as charts
from diagnose.reports.charts.figure import Band, Figure, Line, Mark, Window, with_bands, with_marks
from diagnose.reports.charts.lines import Lines
from diagnose.reports.host_charts import aggregate_of, lines, matching
from diagnose.reports.latencies import Latency
from diagnose.reports.readings import Readings
from diagnose.store import histograms, series
from diagnose.store.series import SeriesRef
from diagnose.store.summaries import Aggregate

LATENCIES: dict[str, Latency] = {
    "latency": Latency("Latency", "from the request's beginning to its answer's", service_list.REQUESTS),
    "waits": Latency("Wait for other services", "until their answers begin", ("dependency_seconds",)),
    "accept": Latency("Wait for accept()", "from the handshake's end", ("accept_wait_seconds",)),
    "runqueue": Latency("Wait for a CPU", "of threads that could run", ("runqueue_wait_seconds",)),
    "pauses": Latency("Go: all stopped", "time in which no goroutine ran", ("go_stop_the_world_seconds",)),
}
LINES: dict[str, Lines] = charts.SERVICE
RATE = "rate"
TITLES: dict[str, tuple[str, str]] = {
    RATE: ("Requests and errors", "a second, by class of status"),
    **{name: (one.title, one.note) for name, one in LATENCIES.items()},
    **{name: (one.title, one.note) for name, one in LINES.items()},
}
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "requests": ("Requests", (RATE, "latency", "waits", "accept")),
    "work": ("Work", ("cpu", "threads", "runqueue", "memory", "epoll")),
    "go": ("Go", ("go-heap", "go-gc", "go-procs", "pauses")),
    "python": ("Python", ("gil", "gil-waiting", "python-threads")),
}


def metrics_of(name: str) -> tuple[str, ...]:
    if name in LINES:
        return tuple(reading.metric for reading in LINES[name].readings)
    return service_list.REQUESTS if name == RATE else LATENCIES[name].metrics


METRICS = tuple(sorted({metric for name in TITLES for metric in metrics_of(name)}))


def groups_with(readings: Readings) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Those of which anything is measured: a Go program has no panel for Python."""
    shown = {
        group: (title, tuple(name for name in names if readings.of(*metrics_of(name))))
        for group, (title, names) in GROUPS.items()
    }
    return {group: found for group, found in shown.items() if found[1]}


def figures(
    service: str, window: Window, bands: Sequence[Band], marks: Sequence[Mark], names: Collection[str]
) -> dict[str, Figure | None]:
    """By chart id, added up over hosts; None where nothing was measured."""
    metrics = {metric for name in names for metric in metrics_of(name)}
    known = Readings.of_hosts((), metrics).where(service=service)
    drawn = _of_series(known, window, names) | latencies.figures(
        {name: _requests(known, name) for name in names if name in LATENCIES}, window
    )
    if RATE in names:
        drawn[RATE] = _rates(known, window)
    return {
        name: figure and with_marks(with_bands(figure, bands, window), marks, window)
        for name, figure in drawn.items()
    }


def _requests(known: Readings, name: str) -> list[SeriesRef]:
    """The kernel's view of requests, or Go's own: never both, which would count each request twice."""
    for metric in LATENCIES[name].metrics:
        if found := known.of(metric):
            return found
    return []


def _rates(known: Readings, window: Window) -> Figure | None:
    by_class: dict[str, list[SeriesRef]] = defaultdict(list)
    for ref in _requests(known, "latency"):
        by_class[ref.labels.get("status_class", "2xx")].append(ref)
    columns = latencies.columns_of(window)
    found = histograms.over_time(list(by_class.values()), window.start_ns, window.end_ns, columns)
    seconds = (window.end_ns - window.start_ns) / columns / 1e9
    counted = {
        name: Line("", {"status_class": name}, one.times_ns, one.counts.sum(axis=1) / seconds)
        for name, maps in zip(by_class, found, strict=True)
        for one in maps[:1]
    }
    return charts.rates(counted, window)


def _of_series(known: Readings, window: Window, names: Collection[str]) -> dict[str, Figure | None]:
    chosen = {name: LINES[name] for name in names if name in LINES}
    readings = [reading for one in chosen.values() for reading in one.readings]
    refs = known.of(*dict.fromkeys(reading.metric for reading in readings))
    wanted: dict[Aggregate, list[SeriesRef]] = defaultdict(list)
    for reading in readings:
        wanted[aggregate_of(reading, refs)] += matching(refs, reading)
    found = series.ranges(wanted, window.start_ns, window.end_ns, 200)
    return {
        name: charts.figure(one, lines(refs, one.readings, found), window) for name, one in chosen.items()
    }
