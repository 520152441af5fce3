"""Samples of a host cut into the tiles of one side: load, latency, errors, CPU by request, a finding's own signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from diagnose.correlate.comparison.side import Floats, Latency, Measure, Ratio, Side
from diagnose.correlate.samples import Histogram, Samples, Series

TILE_SECONDS = 10.0
REQUESTS = "http_server_seconds"
CPU = "process_cpu_seconds_total"
# What stands for load where requests are not counted, in order. Of the whole host.
STAND_INS = ("netstat_Tcp_PassiveOpens", "softnet_processed_total", "network_receive_packets_total")
P50 = Measure("latency_p50", "latency p50", "s", quantile=0.5)
P99 = Measure("latency_p99", "latency p99", "s", quantile=0.99)
ERRORS = Measure("errors", "errors by request", "ratio", least=0.1)
CPU_EACH = Measure("cpu_by_request", "CPU by request", "s")
OF_USERS = (P50, P99, ERRORS, CPU_EACH)


@dataclass(frozen=True, slots=True)
class Own:
    """A signal of the finding itself: the sum of a metric's series with these labels, as a rate or a mean."""

    measure: Measure
    metric: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """`load` is the metric of requests, or of what stands for them; '' compares without regard to load."""

    service: str
    load: str
    own: Sequence[Own] = ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """All that has to be read."""
        return tuple(dict.fromkeys((REQUESTS, CPU, *STAND_INS, *(each.metric for each in self.own))))

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (*(each.measure for each in self.own), *OF_USERS)


def load_metric(before: Samples, after: Samples, service: str, only_requests: bool) -> str:
    """The best that both sides counted; '' where there is none. `only_requests`: a fix would change what stands in."""
    if all(_requests(each, service) for each in (before, after)):
        return REQUESTS
    if only_requests:
        return ""
    return next((name for name in STAND_INS if all(_total(each, name) for each in (before, after))), "")


def _total(samples: Samples, metric: str) -> float:
    return sum(each.total for each in samples.of(metric))


def _requests(samples: Samples, service: str) -> list[Histogram]:
    found = samples.histograms_of(REQUESTS)
    return [each for each in found if not service or each.labels.get("service") == service]


def side(samples: Samples, wanted: Wanted) -> Side:
    """Only whole tiles."""
    count = max(0, int(samples.seconds // TILE_SECONDS))
    edges_ns = samples.start_ns + np.arange(count + 1, dtype=np.int64) * int(TILE_SECONDS * 1e9)
    requests = _counts(_requests(samples, wanted.service), edges_ns)
    ratios = {each.measure.name: _own(samples, each, edges_ns) for each in wanted.own}
    latency = None
    if requests is not None:
        counts, buckets = requests
        latency = Latency(counts, buckets)
        ratios |= _by_request(samples, wanted.service, edges_ns, counts.sum(axis=1))
    return Side(TILE_SECONDS, _load(samples, wanted.load, edges_ns, latency), ratios, latency)


def _load(
    samples: Samples, metric: str, edges_ns: NDArray[np.int64], latency: Latency | None
) -> Floats | None:
    if metric == REQUESTS and latency is not None:
        found: Floats = latency.counts.sum(axis=1) / TILE_SECONDS
        return found
    return _sums(samples.of(metric), edges_ns) / TILE_SECONDS if metric else None


def _by_request(
    samples: Samples, service: str, edges_ns: NDArray[np.int64], requests: Floats
) -> dict[str, Ratio]:
    every = _requests(samples, service)
    failed = [each for each in every if each.labels.get("status_class", "").startswith("5")]
    counts = _counts(failed, edges_ns)
    errors = np.zeros(len(requests)) if counts is None else counts[0].sum(axis=1)
    found = {ERRORS.name: Ratio(errors, requests)}
    mine = [each for each in samples.of(CPU) if service and each.labels.get("service") == service]
    if mine:
        found[CPU_EACH.name] = Ratio(_sums(mine, edges_ns), requests)
    return found


def _own(samples: Samples, own: Own, edges_ns: NDArray[np.int64]) -> Ratio:
    """A counter's increase by second, or the mean of a gauge's readings."""
    series = [each for each in samples.of(own.metric) if own.labels.items() <= each.labels.items()]
    if all(each.counter for each in series):
        return Ratio(_sums(series, edges_ns), np.full(len(edges_ns) - 1, TILE_SECONDS))
    readings = sum((_histogram(each, edges_ns, None) for each in series), np.zeros(len(edges_ns) - 1))
    return Ratio(_sums(series, edges_ns), readings)


def _sums(series: Sequence[Series], edges_ns: NDArray[np.int64]) -> Floats:
    return sum((_histogram(each, edges_ns, each.values) for each in series), np.zeros(len(edges_ns) - 1))


def _histogram(series: Series, edges_ns: NDArray[np.int64], weights: Floats | None) -> Floats:
    found, _ = np.histogram(series.times_ns, bins=edges_ns, weights=weights)
    return found.astype(np.float64)


def _counts(histograms: Sequence[Histogram], edges_ns: NDArray[np.int64]) -> tuple[Floats, Floats] | None:
    """Counts by tile over the buckets of all, which are those of one scheme; None where nothing was counted."""
    if not histograms or len(edges_ns) < 2:
        return None
    edges = np.unique(np.concatenate([each.edges for each in histograms]))
    counts = np.zeros((len(edges_ns) - 1, len(edges) - 1))
    for each in histograms:
        tile = np.searchsorted(edges_ns, each.times_ns, side="right") - 1
        inside = (tile >= 0) & (tile < len(counts))
        first = int(np.searchsorted(edges, each.edges[0]))
        np.add.at(counts[:, first : first + each.counts.shape[1]], tile[inside], each.counts[inside])
    return counts, edges
