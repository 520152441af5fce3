"""Connections that came in at each listener, ten seconds at a time: what is usual lately, and what is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from diagnose.correlate.samples import Samples, Series

READS = ("tcp_incoming_connections_total", "listener_accept_queue_length", "process_age_seconds")

# s; what "now" is: two tellings, so that one burst between two is none
NOW_SECONDS = 25.0
# s before that which tell what is usual
LEAST_BEFORE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ArrivalsOf:
    """One listener. Rates per second: the median of what came before, and the least of the last tellings. `age_seconds`
    of the youngest process that listens there; None unread."""

    listener: str
    netns: str
    service: str
    before: float
    before_seconds: float
    now: float
    now_count: float
    age_seconds: float | None


@dataclass(frozen=True, slots=True)
class ConnectionArrivals:
    """By listener and namespace; those that were not counted long enough are left out."""

    listeners: Mapping[tuple[str, str], ArrivalsOf]

    @classmethod
    def derive(cls, samples: Samples) -> ConnectionArrivals | None:
        every = samples.of("tcp_incoming_connections_total")
        owners = _owners(samples)
        found = (
            _of(series, owners.get(series.labels.get("listener", ""), ("", None)), samples)
            for series in every
        )
        known = {(each.listener, each.netns): each for each in found if each is not None}
        return cls(known) if every else None


def _owners(samples: Samples) -> dict[str, tuple[str, float | None]]:
    """Service and age, by listener."""
    ages = {pid: series.last for pid, series in samples.by_process("process_age_seconds").items()}
    found: dict[str, tuple[str, float | None]] = {}
    for series in samples.of("listener_accept_queue_length"):
        labels = series.labels
        age = ages.get(int(labels["pid"])) if labels.get("pid") else None
        found[labels.get("listener", "")] = labels.get("service", ""), age
    return found


def _of(series: Series, owner: tuple[str, float | None], samples: Samples) -> ArrivalsOf | None:
    """The first telling has no known beginning."""
    times, values = series.times_ns, series.values
    if len(values) < 5 or samples.end_ns - times[-1] > NOW_SECONDS * 1e9:
        return None
    rates = values[1:] / np.maximum(1e-3, np.diff(times) / 1e9)
    is_now = times[1:] > times[-1] - NOW_SECONDS * 1e9
    before = rates[~is_now]
    seconds = float(times[1:][~is_now][-1] - times[0]) / 1e9 if len(before) else 0.0
    if seconds < LEAST_BEFORE_SECONDS:
        return None
    return ArrivalsOf(
        listener=series.labels.get("listener", ""),
        netns=series.labels.get("netns", ""),
        service=owner[0],
        before=float(np.median(before)),
        before_seconds=seconds,
        now=float(rates[is_now].min()),
        now_count=float(values[1:][is_now].sum()),
        age_seconds=owner[1],
    )
