"""When the runtime of a Go service let nothing run, and what connections and requests did at those times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diagnose.correlate.durations import Durations
from diagnose.correlate.samples import Histogram, Samples

READS: tuple[str, ...] = ()
HISTOGRAMS = ("go_stop_the_world_seconds", "accept_wait_seconds", "go_http_request_seconds")

# stretches of time with pauses told; fewer show no difference between two halves of them
LEAST_STRETCHES = 8


@dataclass(frozen=True, slots=True)
class PausesOf:
    """One service. `stopped` in seconds a second; `longest` is the 99th percentile of its pauses.

    Of the stretches of a few seconds with most and with least stopped time: how long connections waited to be accepted
    (95th percentile, seconds), and requests a second. None: not told, or too few stretches.
    """

    stopped: float
    longest: float
    accept_wait_with: float | None
    accept_wait_without: float | None
    requests_with: float | None
    requests_without: float | None


@dataclass(frozen=True, slots=True)
class GoPauses:
    """By service."""

    by_service: Mapping[str, PausesOf]

    @classmethod
    def derive(cls, samples: Samples) -> GoPauses | None:
        stopped = _by_service(samples, HISTOGRAMS[0])
        accepts, requests = (_by_service(samples, name) for name in HISTOGRAMS[1:])
        found = {
            service: _pauses(mine, accepts.get(service, ()), requests.get(service, ()), samples)
            for service, mine in stopped.items()
        }
        return cls(found) if found else None


def _by_service(samples: Samples, metric: str) -> dict[str, list[Histogram]]:
    found: dict[str, list[Histogram]] = {}
    for each in samples.histograms_of(metric):
        found.setdefault(each.labels.get("service", ""), []).append(each)
    return found


def _pauses(
    stopped: Sequence[Histogram],
    accepts: Sequence[Histogram],
    requests: Sequence[Histogram],
    samples: Samples,
) -> PausesOf:
    every = Durations.of(stopped)
    most, least = _stretches(stopped)
    with_, without = _at(accepts, most).quantile(0.95), _at(accepts, least).quantile(0.95)
    served = [_at(requests, each).count / len(each) if each and requests else None for each in (most, least)]
    return PausesOf(
        stopped=every.sum_seconds / samples.seconds if samples.seconds else 0.0,
        longest=every.quantile(0.99) or 0.0,
        accept_wait_with=with_,
        accept_wait_without=without,
        requests_with=served[0],
        requests_without=served[1],
    )


def _stretches(stopped: Sequence[Histogram]) -> tuple[frozenset[int], frozenset[int]]:
    """When they began (ns): the half with most stopped time, and the other."""
    sums: dict[int, float] = {}
    for each in stopped:
        for time_ns, seconds in zip(each.times_ns.tolist(), each.sums.tolist(), strict=True):
            sums[time_ns] = sums.get(time_ns, 0.0) + seconds
    if len(sums) < LEAST_STRETCHES:
        return frozenset(), frozenset()
    order = sorted(sums, key=lambda time_ns: sums[time_ns])
    half = len(order) // 2
    return frozenset(order[-half:]), frozenset(order[:half])


def _at(histograms: Sequence[Histogram], times_ns: frozenset[int]) -> Durations:
    return Durations.of(
        Histogram(
            each.metric, each.labels, each.times_ns[kept], each.edges, each.counts[kept], each.sums[kept]
        )
        for each in histograms
        for kept in [np.isin(each.times_ns, list(times_ns))]
    )
