"""How much of a service's slow moments, and of those with less work done, its pauses explain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from diagnose.correlate.pauses import Explained, drops, explained, paused, spikes
from diagnose.models.finding import Finding
from diagnose.store import histograms, series
from diagnose.store.series import SeriesRef

# Collectors tell histograms every ten seconds.
BIN_NS = 10 * 10**9
AROUND = timedelta(minutes=30)
QUANTILE = 0.99
REQUESTS = ("http_server_seconds", "go_http_request_seconds")


@dataclass(frozen=True, slots=True)
class Pause:
    """A reading of time that a service stood still; with `labels` only series that carry one of the values."""

    title: str
    metric: str
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)


PAUSES = (
    Pause("held back by its CPU quota", "cgroup_cpu_throttled_seconds_total"),
    Pause("pauses of Go's garbage collection", "go_gc_pause_seconds_total"),
    Pause("waiting for a CPU", "service_run_delay_seconds_total"),
    Pause("waiting for a disk", "service_threads_waiting", {"wait": ("file", "sync")}),
    Pause("all tasks waiting for memory", "cgroup_pressure_stalled_seconds_total", {"resource": ("memory",)}),
    Pause("all tasks waiting for a disk", "cgroup_pressure_stalled_seconds_total", {"resource": ("io",)}),
    Pause("waiting for Python's interpreter lock", "python_gil_waiting_ratio"),
)


@dataclass(frozen=True, slots=True)
class Attribution:
    """`of` says what was too slow or too little."""

    of: str
    pause: str
    metric: str
    explained: Explained


def attributions(finding: Finding) -> list[Attribution]:
    """Of the service of a finding, around its time, what explains most first; empty without requests to judge by."""
    if not finding.service:
        return []
    start_ns = int((finding.since - AROUND).timestamp()) * 10**9 // BIN_NS * BIN_NS
    end_ns = int((finding.last_seen_at).timestamp()) * 10**9
    found = list(_attributions(finding.host_id, finding.service, start_ns, end_ns))
    return sorted(found, key=lambda each: -each.explained.share)


def _attributions(host_id: int, service: str, start_ns: int, end_ns: int) -> Iterator[Attribution]:
    bins = (end_ns - start_ns) // BIN_NS
    slow, work = _requests(host_id, service, start_ns, bins)
    effects = {"slow answers (99th percentile)": spikes(slow), "fewer answers": drops(work)}
    effects = {of: excess for of, excess in effects.items() if excess.any()}
    if not effects:
        return
    for pause in PAUSES:
        refs = _refs(host_id, service, pause)
        stood = paused(_binned(refs, start_ns, bins)) if refs else np.zeros(bins, bool)
        for of, excess in effects.items():
            found = explained(excess, stood)
            if found is not None:
                yield Attribution(of, pause.title, pause.metric, found)


def _requests(
    host_id: int, service: str, start_ns: int, bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By bin the 99th percentile of the answers' times, NaN without any, and how many there were."""
    slow, work = np.full(bins, np.nan), np.zeros(bins)
    refs = [ref for metric in REQUESTS for ref in series.find([host_id], metric, {"service": service})]
    maps = histograms.over_time([refs], start_ns, start_ns + bins * BIN_NS, bins)[0] if refs else []
    for each in maps:
        places = (each.times_ns - start_ns) // BIN_NS
        inside = (places >= 0) & (places < bins)
        slow[places[inside]] = np.fmax(slow[places[inside]], each.quantiles([QUANTILE])[inside, 0])
        np.add.at(work, places[inside], each.counts.sum(axis=1)[inside])
    return slow, work if work.any() else np.full(bins, np.nan)


def _refs(host_id: int, service: str, pause: Pause) -> list[SeriesRef]:
    return [
        ref
        for ref in series.find([host_id], pause.metric, {"service": service})
        if all(ref.labels.get(name) in values for name, values in pause.labels.items())
    ]


def _binned(refs: Sequence[SeriesRef], start_ns: int, bins: int) -> NDArray[np.float64]:
    """What was read in each bin, all series together."""
    found = np.zeros(bins)
    for times, values in series.read(refs, start_ns, start_ns + bins * BIN_NS).values():
        known = np.isfinite(values)
        np.add.at(found, (times[known] - start_ns) // BIN_NS, values[known])
    return found
