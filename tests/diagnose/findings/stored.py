"""Puts a recorded window into a real store, as if its host had sent it just now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from diagnose.correlate.samples import Profile, Samples
from diagnose.models import Fact, Host
from diagnose.store import backend, dictionary, serieskeys
from diagnose.store.blob import summed
from diagnose.store.names import FrameInfo
from diagnose.store.rows import BatchKey, MetricBatch, PointColumns, ProfileBatch, ProfileGroup, ProfileRow


def store(host: Host, samples: Samples, end: datetime, seq: int = 1) -> None:
    """Times are moved so that the last reading is at `end`."""
    shift_ns = int(end.timestamp() * 1000) * 10**6 - samples.end_ns
    batch = BatchKey(host.pk, "e" * 16, seq)
    backend.metric_store().append([MetricBatch(batch, _points(host, samples, shift_ns))])
    backend.profile_store().append(
        [ProfileBatch(batch, [_profile(host, each, end) for each in samples.profiles])]
    )
    for name, value in samples.facts.items():
        Fact.objects.create(host=host, name=name, value=value, since=datetime.now(UTC))


def _points(host: Host, samples: Samples, shift_ns: int) -> PointColumns:
    every = [each for group in samples.series.values() for each in group]
    keys = [serieskeys.key_of(each.metric, each.labels) for each in every]
    numbers = serieskeys.series_numbers(host, keys, [each.counter for each in every])
    lengths = [len(each.values) for each in every]
    return PointColumns(
        np.repeat(np.array(numbers, np.uint32), lengths),
        np.concatenate([each.times_ns for each in every]) + shift_ns,
        np.concatenate([each.values for each in every]),
    )


def _profile(host: Host, profile: Profile, end: datetime) -> ProfileRow:
    frames = list({frame: None for stack in profile.stacks for frame in stack.frames})
    index = {frame: at for at, frame in enumerate(frames)}
    service = dictionary.services_of([profile.service])[profile.service]
    numbers = dictionary.stack_numbers(
        service,
        [FrameInfo(frame.name, frame.file, frame.line, frame.module) for frame in frames],
        [[index[frame] for frame in stack.frames] for stack in profile.stacks],
        [stack.thread for stack in profile.stacks],
    )
    ids, counts = summed(numbers, np.array([stack.count for stack in profile.stacks], np.int64))
    start_ns = int((end - timedelta(seconds=profile.seconds)).timestamp() * 1e9)
    return ProfileRow(
        ProfileGroup(service.pk, profile.type, "samples"),
        profile.period_ns,
        start_ns,
        start_ns + int(profile.seconds * 1e9),
        ids,
        counts,
        {"pid": str(profile.pid)},
    )
