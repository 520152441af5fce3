"""Many batches at once: one transaction a day, and each still applied exactly once."""

from __future__ import annotations

import time

import numpy as np
import pytest

from diagnose.models import Service
from diagnose.store import backend
from diagnose.store.protocols import ProfileFilter
from diagnose.store.rows import BatchKey, MetricBatch, PointColumns, ProfileBatch, ProfileGroup, ProfileRow

DAY_NS = 24 * 3600 * 10**9
DAY = time.time_ns() // DAY_NS * DAY_NS - DAY_NS


@pytest.fixture
def profile(host, data_dir):
    service = Service.objects.get_or_create(name="shop")[0]

    def make(start_ns: int) -> ProfileRow:
        ids, counts = np.array([1, 2], np.uint32), np.array([3, 4], np.int64)
        group = ProfileGroup(service.pk, "cpu", "samples")
        return ProfileRow(group, 10_000_000, start_ns, start_ns + 10**10, ids, counts)

    return make


def test_profiles_of_many_batches_count_once_whatever_comes_again(profile, host):
    first = ProfileBatch(BatchKey(host.pk, "e", 1), [profile(DAY), profile(DAY + 1)])
    second = ProfileBatch(BatchKey(host.pk, "e", 2), [profile(DAY - 1), profile(DAY)])
    store = backend.profile_store()
    assert store.append([first, second, first]) == [0, 0, 0]
    assert store.append([second]) == [0]
    service = first.rows[0].group.service_id
    merged = store.merge(ProfileFilter(service, "cpu"), DAY - DAY_NS, DAY + DAY_NS)
    assert [(one.profiles, one.total.counts.tolist()) for one in merged] == [(4, [12, 16])]


def test_rows_past_retention_are_counted_by_batch(profile, host):
    old = DAY - 30 * DAY_NS
    batches = [
        ProfileBatch(BatchKey(host.pk, "e", 1), [profile(DAY)]),
        ProfileBatch(BatchKey(host.pk, "e", 2), [profile(old), profile(DAY), profile(old)]),
    ]
    assert backend.profile_store().append(batches) == [0, 2]
    times = np.array([old, DAY, old + 1], np.int64)
    points = PointColumns(np.array([7, 7, 7], np.uint32), times, np.array([1.0, 2.0, 3.0]))
    empty = PointColumns(points.series[:0], times[:0], points.values[:0])
    store = backend.metric_store()
    metrics = [MetricBatch(BatchKey(host.pk, "e", seq), each) for seq, each in enumerate((points, empty))]
    assert store.append(metrics) == [2, 0]
    found = store.read({host.pk: [7]}, old, DAY + DAY_NS)
    assert found[7][1].tolist() == [2.0]
