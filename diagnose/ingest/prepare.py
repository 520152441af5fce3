"""From the bytes of a batch to rows: decoded, its times moved, its names turned into numbers. Nothing is written of it.

Only the dictionaries grow, which does no harm when the batch comes again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collectors import wire
from diagnose.ingest import clock, decode
from diagnose.ingest.content import Content, Malformed, Profile, Recording
from diagnose.ingest.formats import native
from diagnose.ingest.pending import Waiting
from diagnose.models import Capture, Host, Service
from diagnose.store import dictionary, serieskeys
from diagnose.store.applied import earlier_shift_ns
from diagnose.store.blob import summed
from diagnose.store.rows import (
    BatchKey,
    HistogramRow,
    MetricBatch,
    Offsets,
    PointColumns,
    ProfileBatch,
    ProfileGroup,
    ProfileRow,
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch whose rows wait to be appended. `captured`: profiles that somebody asked for, and their samples."""

    waiting: Waiting
    host: Host
    batch: wire.Batch
    content: Content
    profiles: ProfileBatch
    metrics: MetricBatch
    captured: Sequence[tuple[Profile, int]]
    skipped: int

    @property
    def skew_seconds(self) -> float:
        return clock.skew_seconds(self.batch.sent_ns, self.waiting.received_ns)


@dataclass(frozen=True, slots=True)
class Opened:
    """A batch as it was read: names are still words. `kept` are, by recording, the profiles that it may bring."""

    waiting: Waiting
    host: Host
    batch: wire.Batch
    shift_ns: int
    content: Content
    kept: Sequence[Sequence[Profile]]

    def services(self) -> set[str]:
        return {one.service for profiles in self.kept for one in profiles}


def opened(host: Host, waiting: Waiting) -> Opened:
    """Raises Malformed when the batch cannot be read, now or ever."""
    batch = decode.envelope(waiting.body)
    shift_ns = _shift_ns(host, batch, waiting.received_ns)
    content = native.read(*decode.items(batch), clock.Clock(shift_ns, waiting.received_ns))
    own = _own_captures(host, content.recordings)
    kept = [
        [one for one in recording.profiles if one.capture_id is None or one.capture_id in own]
        for recording in content.recordings
    ]
    return Opened(waiting, host, batch, shift_ns, content, kept)


def prepared(one: Opened, services: Mapping[str, Service]) -> Prepared:
    """With numbers instead of names. Raises Malformed when its series cannot be read."""
    key = BatchKey(one.host.pk, one.batch.epoch, one.batch.seq, one.shift_ns)
    recorded = list(zip(one.content.recordings, one.kept, strict=True))
    foreign = sum(len(recording.profiles) - len(kept) for recording, kept in recorded)
    rows = [row for recording, kept in recorded for row in _profile_rows(recording, kept, services)]
    return Prepared(
        waiting=one.waiting,
        host=one.host,
        batch=one.batch,
        content=one.content,
        profiles=ProfileBatch(key, rows),
        metrics=_metrics(one.host, key, one.content),
        captured=[
            (profile, int(recording.counts[profile.first : profile.end].sum()))
            for recording, kept in recorded
            for profile in kept
            if profile.capture_id is not None
        ],
        skipped=one.content.skipped + foreign,
    )


def _shift_ns(host: Host, batch: wire.Batch, received_ns: int) -> int:
    if clock.is_doubtful(batch.sent_ns, received_ns, host.clock_skew_seconds):
        earlier = earlier_shift_ns(host.pk, batch.epoch, batch.seq)
        if earlier is not None:
            return earlier
    return clock.shift_ns(batch.sent_ns, received_ns)


def _own_captures(host: Host, recordings: Sequence[Recording]) -> set[str]:
    """The captures named by the profiles that this host was asked for."""
    named = {profile.capture_id for recording in recordings for profile in recording.profiles} - {None}
    return (
        set(Capture.objects.filter(host=host, pk__in=named).values_list("pk", flat=True)) if named else set()
    )


def _profile_rows(
    recording: Recording, profiles: Sequence[Profile], services: Mapping[str, Service]
) -> list[ProfileRow]:
    seen = [np.flatnonzero(recording.counts[one.first : one.end]) + one.first for one in profiles]
    numbers = dictionary.all_stack_numbers(
        recording.names,
        [
            dictionary.Recording(services[one.service], recording.paths[at], recording.threads[at])
            for one, at in zip(profiles, seen, strict=True)
        ],
    )
    return [
        _profile_row(recording, services[one.service], one, at, ids)
        for one, at, ids in zip(profiles, seen, numbers, strict=True)
    ]


def _profile_row(
    recording: Recording, service: Service, profile: Profile, at: NDArray[np.int64], ids: NDArray[np.uint32]
) -> ProfileRow:
    counts = recording.counts[at]
    stack_ids, totals = summed(ids, counts)
    return ProfileRow(
        group=ProfileGroup(service.pk, profile.type, profile.unit),
        period_ns=profile.period_ns,
        start_ns=profile.start_ns,
        end_ns=profile.end_ns,
        stack_ids=stack_ids,
        counts=totals,
        labels=profile.labels,
        capture_id=profile.capture_id,
        offsets=None if recording.offsets is None else _offsets(ids, recording.offsets[at], counts),
    )


def _offsets(
    ids: NDArray[np.uint32], offsets: NDArray[np.int64], counts: NDArray[np.int64]
) -> Offsets | None:
    known = np.flatnonzero(offsets)
    if not len(known):
        return None
    keys = ids[known].astype(np.int64) << 32 | (offsets[known] - 1)
    pairs, owners = np.unique(keys, return_inverse=True)
    totals = np.zeros(len(pairs), np.int64)
    np.add.at(totals, owners, counts[known])
    return Offsets((pairs >> 32).astype(np.uint32), (pairs & 0xFFFFFFFF).astype(np.uint32), totals)


def _metrics(host: Host, key: BatchKey, content: Content) -> MetricBatch:
    series, times, values = [], [], []
    for one in content.readings:
        numbers = serieskeys.block_numbers(host, one.series, native.definitions)
        if len(numbers) != len(one.lengths):
            raise Malformed(f"a table of points has {len(numbers)} series and {len(one.lengths)} lengths")
        series.append(np.repeat(numbers, one.lengths))
        times.append(one.times_ns)
        values.append(one.values)
    points = PointColumns(
        np.concatenate([_NO_SERIES, *series]),
        np.concatenate([_NO_TIMES, *times]),
        np.concatenate([_NO_VALUES, *values]),
    )
    found = content.distributions
    ids = serieskeys.series_numbers(host, [one.key for one in found], [False] * len(found))
    histograms = [
        HistogramRow(number, one.time_ns, one.scheme, one.sum, one.buckets, one.counts)
        for number, one in zip(ids, found, strict=True)
    ]
    return MetricBatch(key, points, histograms)


_NO_SERIES, _NO_TIMES, _NO_VALUES = np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0, np.float64)
