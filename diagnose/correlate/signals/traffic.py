"""TCP connections by listener and by destination: how many, what holds them back, and what they lose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from diagnose.correlate.samples import Samples, Series

_GAUGES = (
    "tcp_destination_time_wait",
    "tcp_listener_time_wait",
    "tcp_receive_queue_bytes",
    "tcp_send_queue_bytes",
    "tcp_receive_buffer_used_ratio",
    "tcp_send_buffer_used_ratio",
    "tcp_active_connections",
    "tcp_rtt_median_seconds",
    "tcp_min_rtt_seconds",
    "tcp_delivery_rate_median_bytes_per_second",
)
_COUNTERS = (
    "tcp_retransmits_total",
    "tcp_received_segments_total",
    "tcp_sent_segments_total",
    "tcp_busy_seconds_total",
    "tcp_receive_window_limited_seconds_total",
    "tcp_send_buffer_limited_seconds_total",
)
READS = ("tcp_connections", *_GAUGES, *_COUNTERS)

# s; three passes of the probe, which reads connections every ten seconds
RECENT_SECONDS = 30.0
# s; two passes, and a late one: what was not told since is not there any more
_THERE_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Group:
    """The connections of one listener, or to one destination. Counts and sums are of the last `seconds`.

    `readings` has the recent readings of a gauge by its metric, oldest first; one that was not made is not there.
    """

    side: str
    name: str
    netns: str
    states: Mapping[str, float]
    readings: Mapping[str, tuple[float, ...]]
    counts: Mapping[str, float]
    before: Mapping[str, tuple[float, ...]]
    seconds: float

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """What selects its series."""
        return ((self.side, self.name), *((("netns", self.netns),) if self.netns else ()))

    @property
    def time_waits(self) -> float:
        return self.last(f"tcp_{'destination' if self.side == 'dst' else 'listener'}_time_wait") or 0.0

    @property
    def open(self) -> float:
        """Connections that hold a port, TIME_WAIT not among them."""
        return sum(self.states.values())

    def last(self, metric: str) -> float | None:
        """The latest reading."""
        found = self.readings.get(metric)
        return found[-1] if found else None

    def least(self, metric: str, passes: int = 2) -> float | None:
        """The least of the last passes: what holds in all of them; None when there were fewer."""
        found = self.readings.get(metric, ())
        return min(found[-passes:]) if len(found) >= passes else None

    def count(self, metric: str) -> float:
        return self.counts.get(metric, 0.0)

    @property
    def loss(self) -> float:
        """Share of the sent segments that were sent again."""
        sent = self.count("tcp_sent_segments_total")
        return self.count("tcp_retransmits_total") / sent if sent else 0.0

    @property
    def window_limited(self) -> float:
        """Share of the busy time in which the peer's window held data back."""
        busy = self.count("tcp_busy_seconds_total")
        return self.count("tcp_receive_window_limited_seconds_total") / busy if busy else 0.0

    @property
    def buffer_limited(self) -> float:
        """Share of the busy time in which the sender's own buffer held data back."""
        busy = self.count("tcp_busy_seconds_total")
        return self.count("tcp_send_buffer_limited_seconds_total") / busy if busy else 0.0

    @property
    def busy_connections(self) -> float:
        """Connections with data under way, on average."""
        return self.count("tcp_busy_seconds_total") / self.seconds

    @property
    def queueing(self) -> float | None:
        """Round-trip time by the least ever: 1 without any queue."""
        now, least = self.last("tcp_rtt_median_seconds"), self.last("tcp_min_rtt_seconds")
        return now / least if now and least else None


@dataclass(frozen=True, slots=True)
class Traffic:
    """By name and namespace."""

    listeners: Mapping[tuple[str, str], Group]
    destinations: Mapping[tuple[str, str], Group]

    @classmethod
    def derive(cls, samples: Samples) -> Traffic | None:
        listeners, destinations = _groups("listener", samples), _groups("dst", samples)
        return cls(listeners, destinations) if listeners or destinations else None


_Key = tuple[str, str]


def _groups(side: str, samples: Samples) -> dict[_Key, Group]:
    by_key: dict[_Key, dict[str, list[Series]]] = {}
    for metric in READS:
        for series in samples.of(metric):
            if side in series.labels:
                key = series.labels[side], series.labels.get("netns", "")
                by_key.setdefault(key, {}).setdefault(metric, []).append(series)
    found = {key: _group(side, key, series, samples) for key, series in by_key.items()}
    return {key: group for key, group in found.items() if group is not None}


def _group(side: str, key: _Key, series: Mapping[str, list[Series]], samples: Samples) -> Group | None:
    """None when it is not there any more."""
    last_ns = max(int(each.times_ns[-1]) for group in series.values() for each in group)
    if samples.end_ns - last_ns > _THERE_SECONDS * 1e9:
        return None
    begin_ns = last_ns - int((RECENT_SECONDS - 1) * 1e9)
    single = {metric: group[0] for metric, group in series.items()}
    passes = [each for each in single.values() if not each.counter]
    first_ns = min((_from(each, begin_ns) for each in passes), default=begin_ns)
    return Group(
        side=side,
        name=key[0],
        netns=key[1],
        states={
            each.labels.get("state", ""): each.last
            for each in series.get("tcp_connections", ())
            if each.times_ns[-1] == last_ns
        },
        readings={
            metric: _values(each.since(begin_ns)) for metric, each in single.items() if metric in _GAUGES
        },
        counts={metric: each.since(begin_ns).total for metric, each in single.items() if metric in _COUNTERS},
        before={metric: _until(each, begin_ns) for metric, each in single.items() if metric in _GAUGES},
        seconds=max(5.0, (last_ns - first_ns) / 1e9),
    )


def _from(series: Series, begin_ns: int) -> int:
    """When the first increase since `begin_ns` began to be counted."""
    at = int(np.searchsorted(series.times_ns, begin_ns))
    return int(series.times_ns[max(0, min(at, len(series.times_ns) - 1) - 1)])


def _values(series: Series) -> tuple[float, ...]:
    return tuple(map(float, series.values))


def _until(series: Series, end_ns: int) -> tuple[float, ...]:
    return tuple(map(float, series.values[series.times_ns < end_ns]))
