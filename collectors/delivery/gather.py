"""Samples of an interval become encoded items: points and stacks are put into tables, one or few for each source."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from collectors import tables
from collectors.wire import Event, Item, Points, ProbeStatus, Sample, Stacks, encode_item

_LOG = logging.getLogger("diagnose.gather")
# A point's two numbers as Python keeps them, for the estimate of what the buffer holds.
_POINT_BYTES = 64
_SERIES_BYTES = 600
# More than this only when the disk has hung for minutes: from then on new samples are lost, and counted.
MAX_BYTES = 16 * 1024 * 1024

_Key = tuple[str, tuple[tuple[str, str], ...], bool]
_S = TypeVar("_S", bound=Sample)


class Gather:
    """`add` is called by probe, capture and stack threads, `take` by the agent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._series: dict[str, dict[_Key, Points]] = {}
        self._stacks: dict[str, list[Stacks]] = {}
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
            elif isinstance(sample, Stacks):
                self._stacks.setdefault(source, []).append(sample)
                self._bytes += sample.columns.size_bytes + sum(map(len, sample.strings))
            elif isinstance(sample, ProbeStatus):
                self._statuses[sample.probe] = sample
            else:
                for raw in _encoded(source, [sample], _alone):
                    self._encoded.append((source, raw))
                    self._bytes += len(bytes(raw))

    def count_run(self, source: str) -> None:
        """A run of a probe ended: its share of the batch's bytes is per run."""
        with self._lock:
            self._runs[source] = self._runs.get(source, 0) + 1

    def take(self) -> list[msgspec.Raw]:
        """All that was added since the last call, encoded; statuses carry their probe's bytes per run."""
        with self._lock:
            series, stacks, encoded = self._series, self._stacks, self._encoded
            statuses, runs, lost = self._statuses, self._runs, self._lost
            self._clear()
        for source, points in series.items():
            encoded += [(source, raw) for raw in _encoded(source, [*points.values()], tables.point_table)]
        for source, profiles in stacks.items():
            for group in tables.in_reach(profiles):
                encoded += [(source, raw) for raw in _encoded(source, group, tables.profile_table)]
        if lost:
            event = Event("samples_lost", time.time_ns(), {"samples": str(lost), "reason": "the disk hung"})
            encoded.append(("collector", encode_item(event)))
        return [raw for _, raw in encoded] + _statuses(statuses, encoded, runs)

    def _add_points(self, source: str, points: Points) -> None:
        key = (points.metric, tuple(points.labels.items()), points.counter)
        mine = self._series.setdefault(source, {})
        known = mine.get(key)
        if known is None:
            mine[key] = msgspec.structs.replace(points, times=list(points.times), values=list(points.values))
            self._bytes += _SERIES_BYTES
        else:
            known.times.extend(points.times)
            known.values.extend(points.values)
        self._bytes += _POINT_BYTES * len(points.times)


def _statuses(
    statuses: dict[str, ProbeStatus], encoded: Sequence[tuple[str, msgspec.Raw]], runs: dict[str, int]
) -> list[msgspec.Raw]:
    """Each with its probe's bytes per run."""
    sizes: dict[str, int] = {}
    for source, raw in encoded:
        sizes[source] = sizes.get(source, 0) + len(bytes(raw))
    found: list[msgspec.Raw] = []
    for status in statuses.values():
        share = sizes.get(status.probe, 0) // max(runs.get(status.probe, 1), 1)
        found += _encoded(
            status.probe, [msgspec.structs.replace(status, bytes=status.bytes or share)], _alone
        )
    return found


def _alone(samples: Sequence[Item]) -> Item:
    return samples[0]


def _encoded(
    source: str, samples: Sequence[_S], into: Callable[[Sequence[_S]], Item]
) -> Iterator[msgspec.Raw]:
    """One item; what no message can carry (a lone surrogate, a huge number) becomes an event that says whose it was."""
    try:
        yield encode_item(into(samples))
    except (TypeError, ValueError, OverflowError) as error:
        if len(samples) > 1:
            for sample in samples:
                yield from _encoded(source, [sample], into)
            return
        _LOG.error("probe %s gave a sample that cannot be encoded: %s", source, error)
        fields = {"probe": source, "error": f"{type(error).__name__}: {error}"}
        yield encode_item(Event("sample_not_encodable", time.time_ns(), fields))
