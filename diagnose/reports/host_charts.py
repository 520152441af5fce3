"""The charts of a host page: each chart's readings from the store, drawn, with findings and changes marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import ModuleType

from diagnose.reports import latencies
from diagnose.reports.charts import (
    accept_queue,
    cgroups,
    cpu,
    disks,
    gil,
    load,
    memory,
    processes,
    sockets,
    softirq,
    softnet,
    tcp_errors,
)
from diagnose.reports.charts.figure import (
    Aggregate,
    Band,
    Figure,
    Line,
    Mark,
    Reading,
    Window,
    with_bands,
    with_marks,
)
from diagnose.reports.latencies import Latency
from diagnose.store import series
from diagnose.store.series import Points, SeriesRef

# By the id that the page and the figures share.
CHARTS: dict[str, ModuleType] = {
    "cpu": cpu,
    "load": load,
    "memory": memory,
    "processes": processes,
    "accept-queue": accept_queue,
    "tcp-errors": tcp_errors,
    "sockets": sockets,
    "softirq": softirq,
    "softnet": softnet,
    "gil": gil,
    "disks": disks,
    "cgroups": cgroups,
}
LATENCIES: dict[str, Latency] = {
    "rtt": Latency(
        "Round-trip time",
        "of connections to local ports, or to the destination chosen",
        ("tcp_rtt_seconds", "tcp_destination_rtt_seconds"),
    ),
    "accept-wait": Latency("Wait for accept()", "from the handshake's end", ("accept_wait_seconds",)),
    "connect": Latency("Time to connect", "to other services", ("tcp_connect_seconds",)),
    "runqueue": Latency("Wait for a CPU", "of threads that could run", ("runqueue_wait_seconds",)),
    "disk-time": Latency("Disk latency", "of requests to block devices", ("disk_io_seconds",)),
}
# What is looked at together, in the order of the page.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "cpu": ("CPU", ("cpu", "load", "runqueue", "softirq", "processes", "gil")),
    "network": (
        "Network",
        ("accept-queue", "tcp-errors", "rtt", "rtt-ports", "accept-wait", "connect", "sockets", "softnet"),
    ),
    "memory": ("Memory, disks and quotas", ("memory", "disks", "disk-time", "cgroups")),
}
RTT_PORTS = "rtt-ports"
TITLES: dict[str, tuple[str, str]] = {
    **{name: (chart.TITLE, chart.NOTE) for name, chart in CHARTS.items()},
    **{name: (latency.title, latency.note) for name, latency in LATENCIES.items()},
    RTT_PORTS: ("Round-trip time by port", "how each port's is spread over this whole time range"),
}


def metrics_of(name: str) -> tuple[str, ...]:
    """What a chart reads."""
    if name in CHARTS:
        return tuple(reading.metric for reading in CHARTS[name].READS)
    return LATENCIES["rtt"].metrics[:1] if name == RTT_PORTS else LATENCIES[name].metrics


def figures(
    host_id: int,
    window: Window,
    bands: Sequence[Band],
    marks: Sequence[Mark] = (),
    names: Collection[str] = tuple(TITLES),
    choice: Mapping[str, str] | None = None,
    points: int = 300,
) -> dict[str, Figure | None]:
    """By chart id; None where nothing was measured. `choice` are labels that round-trip times must have."""
    metrics = {metric for name in names for metric in metrics_of(name)}
    refs = series.of_host(host_id, sorted(metrics))
    drawn = {**_of_series(refs, window, names, points), **_of_histograms(refs, window, names, choice)}
    return {
        name: figure and with_marks(with_bands(figure, bands, window), marks, window)
        for name, figure in drawn.items()
    }


def _of_series(
    refs: Sequence[SeriesRef], window: Window, names: Iterable[str], points: int
) -> dict[str, Figure | None]:
    chosen = {name: CHARTS[name] for name in names if name in CHARTS}
    readings = [reading for chart in chosen.values() for reading in chart.READS]
    wanted: dict[Aggregate, list[SeriesRef]] = defaultdict(list)
    for reading in readings:
        wanted[aggregate_of(reading, refs)] += matching(refs, reading)
    found = series.ranges(wanted, window.start_ns, window.end_ns, points)
    return {name: chart.figure(lines(refs, chart.READS, found), window) for name, chart in chosen.items()}


def aggregate_of(reading: Reading, refs: Iterable[SeriesRef]) -> Aggregate:
    """Without one of its own, counters become rates and gauges averages."""
    counter = any(ref.counter for ref in refs if ref.metric == reading.metric)
    return reading.agg or ("rate" if counter else "avg")


def matching(refs: Iterable[SeriesRef], reading: Reading) -> list[SeriesRef]:
    wanted = reading.labels.items()
    return [ref for ref in refs if ref.metric == reading.metric and wanted <= ref.labels.items()]


def lines(
    refs: Sequence[SeriesRef], readings: Iterable[Reading], found: Mapping[Aggregate, Mapping[int, Points]]
) -> list[Line]:
    """Of every series that the readings name and that has values."""
    return [
        Line(ref.metric, ref.labels, *of_aggregate[ref.id])
        for reading in readings
        for of_aggregate in (found.get(aggregate_of(reading, refs), {}),)
        for ref in matching(refs, reading)
        if ref.id in of_aggregate and len(of_aggregate[ref.id][0])
    ]


def _of_histograms(
    refs: Sequence[SeriesRef], window: Window, names: Iterable[str], choice: Mapping[str, str] | None
) -> dict[str, Figure | None]:
    groups = {name: _chosen(refs, name, choice) for name in names if name in LATENCIES}
    found: dict[str, Figure | None] = latencies.figures(groups, window)
    if RTT_PORTS in names:
        found[RTT_PORTS] = latencies.spread_by(
            "port", [r for r in refs if r.metric == "tcp_rtt_seconds"], window
        )
    return found


def _chosen(refs: Sequence[SeriesRef], name: str, choice: Mapping[str, str] | None) -> list[SeriesRef]:
    """Round-trip times are of all local ports, or of the port or destination that is chosen."""
    found = [ref for ref in refs if ref.metric in LATENCIES[name].metrics]
    if name != "rtt":
        return found
    if choice:
        return [ref for ref in found if choice.items() <= ref.labels.items()]
    return [ref for ref in found if ref.metric == "tcp_rtt_seconds"]
