"""Samples of an interval become encoded samples: the readings of one series are put into one `Points`."""

from __future__ import annotations

import threading

import msgspec

from collectors.wire import Points, ProbeStatus, Sample, encode_sample

# A point's two numbers as Python keeps them, for the estimate of what the buffer holds.
_POINT_BYTES = 64
_SERIES_BYTES = 600

_Key = tuple[str, tuple[tuple[str, str], ...], bool]


class Gather:
    """`add` is called by probe, capture and stack threads, `take` by the agent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._series: dict[_Key, tuple[str, Points]] = {}
        self._encoded: list[tuple[str, msgspec.Raw]] = []
        self._statuses: dict[str, ProbeStatus] = {}
        self._runs: dict[str, int] = {}
        self._bytes = 0

    @property
    def held_bytes(self) -> int:
        """About what the samples take in memory."""
        return self._bytes

    def add(self, source: str, sample: Sample) -> None:
        """Keep a sample of the probe named `source` for the next batch."""
        with self._lock:
            if isinstance(sample, Points):
                self._add_points(source, sample)
            elif isinstance(sample, ProbeStatus):
                self._statuses[sample.probe] = sample
            else:
                raw = encode_sample(sample)
                self._encoded.append((source, raw))
                self._bytes += len(bytes(raw))

    def count_run(self, source: str) -> None:
        """A run of a probe ended: its share of the batch's bytes is per run."""
        with self._lock:
            self._runs[source] = self._runs.get(source, 0) + 1

    def take(self) -> list[msgspec.Raw]:
        """All that was added since the last call, encoded; statuses carry their probe's bytes per run."""
        with self._lock:
            series, encoded = self._series, self._encoded
            statuses, runs = self._statuses, self._runs
            self._clear()
        encoded += [(source, encode_sample(points)) for source, points in series.values()]
        sizes: dict[str, int] = {}
        for source, raw in encoded:
            sizes[source] = sizes.get(source, 0) + len(bytes(raw))
        for status in statuses.values():
            share = sizes.get(status.probe, 0) // max(runs.get(status.probe, 1), 1)
            encoded.append(
                (status.probe, encode_sample(msgspec.structs.replace(status, bytes=status.bytes or share)))
            )
        return [raw for _, raw in encoded]

    def _add_points(self, source: str, points: Points) -> None:
        key = (points.metric, tuple(points.labels.items()), points.counter)
        known = self._series.get(key)
        if known is None:
            own = msgspec.structs.replace(points, times=list(points.times), values=list(points.values))
            self._series[key] = (source, own)
            self._bytes += _SERIES_BYTES
        else:
            known[1].times.extend(points.times)
            known[1].values.extend(points.values)
        self._bytes += _POINT_BYTES * len(points.times)
