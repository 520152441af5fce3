"""Samples of an interval become encoded samples: the readings of one series are put into one `Points`."""

from __future__ import annotations

import logging
import threading
import time

import msgspec

from collectors.wire import Event, Points, ProbeStatus, Sample, encode_sample

_LOG = logging.getLogger("diagnose.gather")
# A point's two numbers as Python keeps them, for the estimate of what the buffer holds.
_POINT_BYTES = 64
_SERIES_BYTES = 600
# More than this only when the disk has hung for minutes: from then on new samples are lost, and counted.
MAX_BYTES = 16 * 1024 * 1024

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
        self._lost = 0

    @property
    def held_bytes(self) -> int:
        """About what the samples take in memory."""
        return self._bytes

    def add(self, source: str, sample: Sample) -> None:
        """Keep a sample of the probe named `source` for the next batch."""
        with self._lock:
            if self._bytes > MAX_BYTES:
                self._lost += 1
            elif isinstance(sample, Points):
                self._add_points(source, sample)
            elif isinstance(sample, ProbeStatus):
                self._statuses[sample.probe] = sample
            else:
                raw = _encode(source, sample)
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
            statuses, runs, lost = self._statuses, self._runs, self._lost
            self._clear()
        encoded += [(source, _encode(source, points)) for source, points in series.values()]
        if lost:
            event = Event("samples_lost", time.time_ns(), {"samples": str(lost), "reason": "the disk hung"})
            encoded.append(("collector", encode_sample(event)))
        sizes: dict[str, int] = {}
        for source, raw in encoded:
            sizes[source] = sizes.get(source, 0) + len(bytes(raw))
        for status in statuses.values():
            share = sizes.get(status.probe, 0) // max(runs.get(status.probe, 1), 1)
            encoded.append(
                (
                    status.probe,
                    _encode(status.probe, msgspec.structs.replace(status, bytes=status.bytes or share)),
                )
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


def _encode(source: str, sample: Sample) -> msgspec.Raw:
    """A sample that no message can carry (a lone surrogate, a huge number) becomes an event that says whose it was."""
    try:
        return encode_sample(sample)
    except (TypeError, ValueError, OverflowError) as error:
        _LOG.error("probe %s gave a sample that cannot be encoded: %s", source, error)
        fields = {"probe": source, "error": f"{type(error).__name__}: {error}"}
        return encode_sample(Event("sample_not_encodable", time.time_ns(), fields))
