"""What holds for the two stores on every engine: through `ProfileStore` and `MetricStore` alone, by plain numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.conf import settings as django_settings

from diagnose.store import backend, days, engine
from diagnose.store.engine.sqlite import SQLITE
from diagnose.store.protocols import ProfileFilter
from diagnose.store.rows import (
    BatchKey,
    HistogramRow,
    MetricBatch,
    PointColumns,
    ProfileBatch,
    ProfileGroup,
    ProfileRow,
)
from diagnose.store.schema import TABLES

SECOND = 10**9
HOUR_NS = 3600 * SECOND
DAY_NS = 24 * HOUR_NS
DAY = time.time_ns() // DAY_NS * DAY_NS - DAY_NS
AFTER = DAY + 3 * DAY_NS
HOST, SHOP = 7, 3
CPU = ProfileFilter(SHOP, "cpu")


def engines() -> list[engine.Engine]:
    """PostgreSQL's too where there is a server: `make test-system`."""
    if not django_settings.CONFIG["DATABASE_URL"]:
        return [SQLITE]
    from diagnose.store.engine.postgresql import POSTGRESQL

    return [SQLITE, POSTGRESQL]


@pytest.fixture(params=engines(), ids=lambda each: type(each).__name__, autouse=True)
def _each_engine(request, monkeypatch, django_db_setup, settings, tmp_path) -> None:
    monkeypatch.setattr(engine, "chosen", lambda: request.param)
    settings.DATA_DIR = tmp_path
    for kind in TABLES:
        for day in days.stored_days(kind):
            days.drop(day, kind)


def profile(start_ns: int, counts: dict[int, int] | None = None, **fields) -> ProfileRow:
    given = counts or {1: 3, 2: 4}
    return ProfileRow(
        group=ProfileGroup(SHOP, "cpu", "samples"),
        period_ns=10_000_000,
        start_ns=start_ns,
        end_ns=start_ns + 10 * SECOND,
        stack_ids=np.array(sorted(given), np.uint32),
        counts=np.array([given[number] for number in sorted(given)], np.int64),
        **fields,
    )


def profiles(seq: int, *rows: ProfileRow, host: int = HOST) -> ProfileBatch:
    return ProfileBatch(BatchKey(host, "e", seq), rows)


def points(seq: int, times_ns: list[int], values: list[float], series: int = 5) -> MetricBatch:
    columns = PointColumns(np.full(len(times_ns), series, np.uint32), np.array(times_ns), np.array(values))
    return MetricBatch(BatchKey(HOST, "e", seq), columns)


def merged(which: ProfileFilter = CPU, start_ns: int = DAY - DAY_NS, end_ns: int = AFTER) -> dict[int, int]:
    found = backend.profile_store().merge(which, start_ns, end_ns)
    return {
        number: count
        for one in found
        for number, count in zip(one.total.stack_ids.tolist(), one.total.counts.tolist(), strict=True)
    }


def read(series: int = 5, start_ns: int = DAY - DAY_NS, end_ns: int = AFTER) -> list[tuple[int, float]]:
    found = backend.metric_store().read({HOST: [series]}, start_ns, end_ns)
    return [
        pair for times, values in found.values() for pair in zip(times.tolist(), values.tolist(), strict=True)
    ]


def test_profiles_of_many_batches_count_once_whatever_comes_again():
    first = profiles(1, profile(DAY), profile(DAY + 1))
    second = profiles(2, profile(DAY - 1), profile(DAY))
    store = backend.profile_store()
    assert store.append([first, second, first]) == [0, 0, 0]
    assert store.append([second]) == [0]
    assert merged() == {1: 12, 2: 16}
    assert store.append([]) == []


def test_points_and_profiles_of_one_batch_do_not_hinder_each_other():
    backend.profile_store().append([profiles(1, profile(DAY))])
    backend.metric_store().append([points(1, [DAY], [2.0]), points(1, [DAY], [2.0])])
    assert merged() == {1: 3, 2: 4}
    assert read() == [(DAY, 2.0)]


def test_rows_past_retention_are_counted_by_batch():
    old = DAY - 100 * DAY_NS
    batches = [profiles(1, profile(DAY)), profiles(2, profile(old), profile(DAY), profile(old))]
    assert backend.profile_store().append(batches) == [0, 2]
    assert backend.metric_store().append([points(1, [old, DAY, old + 1], [1.0, 2.0, 3.0]), points(2, [], [])])
    assert read(start_ns=old) == [(DAY, 2.0)]


def test_a_range_is_half_open_and_hosts_labels_and_captures_are_told_apart():
    backend.profile_store().append(
        [
            profiles(1, profile(DAY, {1: 1}), profile(DAY + HOUR_NS, {1: 10}, labels={"version": "ü2"})),
            profiles(1, profile(DAY, {1: 100}), host=8),
            profiles(2, profile(DAY, {1: 1000}, capture_id="01J")),
        ]
    )
    assert merged() == {1: 111}
    assert merged(start_ns=DAY, end_ns=DAY + HOUR_NS) == {1: 101}
    assert merged(ProfileFilter(SHOP, "cpu", (8,))) == {1: 100}
    assert merged(ProfileFilter(SHOP, "cpu", labels=(("version", "ü2"),))) == {1: 10}
    assert merged(ProfileFilter(SHOP, "cpu", capture_id="01J")) == {1: 1000}
    assert merged(ProfileFilter(SHOP, "wall")) == {}


def test_rollups_change_no_sum_and_late_profiles_join_them():
    store = backend.profile_store()
    store.append([profiles(1, profile(DAY, {1: 5}), profile(DAY + HOUR_NS, {2: 1}))])
    before = store.stored((), DAY, AFTER)
    assert store.roll_up(AFTER) == 4  # two hours, each of the host and of all hosts
    assert store.roll_up(AFTER) == 0
    assert (merged(), store.stored((), DAY, AFTER)) == ({1: 5, 2: 1}, before)
    assert [(one.profiles, one.seconds) for one in before] == [(2, 20.0)]
    store.append([profiles(2, profile(DAY, {1: 2}))])
    assert merged() == {1: 7, 2: 1}
    assert store.roll_up(AFTER) == 2
    assert merged() == {1: 7, 2: 1}


def test_sealing_changes_no_point_and_late_points_join_their_hour():
    store = backend.metric_store()
    times = [DAY + n * 10 * SECOND for n in range(800)]
    store.append([points(1, times[1::2], [float(n) for n in range(1, 800, 2)])])
    assert store.seal(AFTER) == 3
    store.append([points(2, times[::2], [float(n) for n in range(0, 800, 2)])])
    expected = [(time_ns, float(n)) for n, time_ns in enumerate(times)]
    assert read() == expected
    assert (store.seal(AFTER), store.seal(AFTER)) == (3, 0)
    assert read() == expected
    assert read(start_ns=times[3], end_ns=times[5]) == expected[3:5]


def test_histograms_come_back_as_they_were():
    rows = [
        HistogramRow(5, DAY + n * SECOND, "loglin4", 0.5, np.array([3, 9], np.uint32), np.array([n, 2**40]))
        for n in range(3)
    ]
    store = backend.metric_store()
    store.append([MetricBatch(BatchKey(HOST, "e", 1), points(1, [], []).points, rows)])
    span = DAY, DAY + 2 * SECOND
    came = [(5, DAY // 10**6 + n * 1000, 0.5, 2) for n in range(2)]
    for _ in range(2):
        (found,) = store.histograms({HOST: [5, 6]}, *span, False).values()
        rows_of = zip(*(column.tolist() for column in found[:4]), strict=True)
        assert list(rows_of) == came
        assert (found.buckets.tolist(), found.counts.tolist()) == ([3, 9] * 2, [0, 2**40, 1, 2**40])
        assert store.histograms({HOST: [6]}, *span, False) == {}
        store.seal(AFTER)
    (summed,) = store.histograms({HOST: [5]}, DAY, DAY + HOUR_NS, True).values()
    assert (summed.times_ms.tolist(), summed.sums.tolist()) == ([DAY // 10**6], [1.5])
    assert (summed.buckets.tolist(), summed.counts.tolist()) == ([3, 9], [3, 3 * 2**40])


def test_sums_by_the_minute_are_those_of_the_points_before_and_after_sealing_and_without_points():
    store = backend.metric_store()
    times = [DAY + n * 10 * SECOND for n in range(800)]
    store.append([points(1, times, [float(n) for n in range(800)])])

    def sums() -> list[tuple[int, list[float]]]:
        pieces = store.summaries({HOST: [5, 6]}, DAY, DAY + 3 * HOUR_NS)
        assert {one.series for one in pieces} == {5}
        return [(one.coverage.starts_ms.tolist(), one.values.tolist()) for one in pieces]

    hot = sums()
    assert hot[0][1][2][0] == sum(range(6))
    assert store.seal(AFTER) == 3
    assert sums() == hot
    store.append([points(2, [DAY + SECOND], [1000.0])])
    late = sums()
    assert late[0][1][1][0] == 1000.0
    assert (store.seal(AFTER), store.seal(AFTER)) == (1, 0)
    assert sums() == late
    assert store.has_points(DAY, AFTER)
    days.drop(days.day_of(DAY), "points")
    assert not store.has_points(DAY, AFTER)
    assert sums() == late


def at_once(*steps: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(steps)) as pool:
        for running in [pool.submit(step) for step in steps]:
            running.result()


def test_writers_that_are_given_the_same_batches_at_once_apply_each_once():
    batches = [profiles(seq, profile(DAY + seq % 2 * HOUR_NS), host=seq % 3) for seq in range(60)]
    metrics = [points(seq, [DAY + seq * SECOND], [1.0]) for seq in range(60)]

    def write(step: int) -> None:
        for begin in range(0, 60, 10):
            backend.profile_store().append(batches[begin : begin + 10][::step])
            backend.metric_store().append(metrics[begin : begin + 10][::step])

    at_once(*(lambda step=step: write(step) for step in (1, -1, 1, -1)))
    assert merged() == {1: 180, 2: 240}
    assert read() == [(DAY + seq * SECOND, 1.0) for seq in range(60)]


def test_housekeeping_beside_writers_loses_nothing():
    def write() -> None:
        for seq in range(60):
            backend.profile_store().append([profiles(seq, profile(DAY))])
            backend.metric_store().append([points(seq, [DAY + seq * SECOND], [1.0])])

    def keep_house() -> None:
        for _ in range(15):
            backend.profile_store().roll_up(AFTER)
            backend.metric_store().seal(AFTER)

    at_once(write, keep_house, keep_house)
    for _ in range(2):
        assert merged() == {1: 180, 2: 240}
        assert read() == [(DAY + seq * SECOND, 1.0) for seq in range(60)]
        keep_house()
