"""Histograms: they add up exactly, quantiles are as good as the buckets, and sums by the hour outlive what came."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.histograms import bucket_count, bucket_of
from diagnose.models import Host
from diagnose.store import (
    backend,
    days,
    histograms,
    intervals,
    retention,
    rollup,
    schemes,
    series,
    serieskeys,
)
from diagnose.store.blob import CorruptBlob, compress
from diagnose.store.intervals import Intervals
from diagnose.store.rows import BatchKey, HistogramRow, MetricBatch, PointColumns
from diagnose.store.sql import hours

SECOND = 10**9
HOUR = 3600 * SECOND
DAY = time.time_ns() // (24 * HOUR) * 24 * HOUR - 2 * 24 * HOUR
NAME = days.day_of(DAY)
NO_POINTS = PointColumns(np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0))


@pytest.fixture
def count(host: Host, data_dir) -> Callable[..., None]:
    """Appends the histogram of durations of one interval in a batch of its own."""
    sequence = iter(range(1, 10_000))

    def put(
        durations, time_ns: int = DAY, scheme: str = "loglin20", metric: str = "rtt", **labels: str
    ) -> None:
        number = serieskeys.series_numbers(host, [serieskeys.key_of(metric, labels)], [False])[0]
        found = Counter(bucket_of(scheme, duration) for duration in durations)
        buckets = np.array(sorted(found), np.uint32)
        counts = np.array([found[bucket] for bucket in sorted(found)], np.int64)
        row = HistogramRow(number, time_ns, scheme, float(sum(durations)), buckets, counts)
        backend.metric_store().append([MetricBatch(BatchKey(host.pk, "h", next(sequence)), NO_POINTS, [row])])

    return put


def merged(metric: str = "rtt", span: tuple[int, int] = (DAY, DAY + 24 * HOUR)) -> list[histograms.HeatMap]:
    return histograms.merge(series.find((), metric), *span)


DISTRIBUTIONS = {
    "one value": lambda chance: np.full(5_000, 0.0123),
    "uniform": lambda chance: chance.uniform(0.001, 0.1, 20_000),
    "exponential": lambda chance: chance.exponential(0.02, 20_000),
    "heavy-tailed": lambda chance: chance.pareto(1.5, 20_000) * 1e-4 + 1e-4,
    "two peaks": lambda chance: np.concatenate(
        (chance.normal(2e-3, 1e-4, 9_000), chance.normal(0.4, 0.02, 1_000))
    ),
}


@pytest.mark.parametrize("scheme", ["loglin4", "loglin20"])
@pytest.mark.parametrize("shape", DISTRIBUTIONS)
def test_quantiles_are_off_by_no_more_than_a_bucket(count, scheme, shape):
    durations = DISTRIBUTIONS[shape](np.random.default_rng(7)).tolist()
    for part in range(4):
        count(durations[part::4], DAY + part * 10 * SECOND, scheme)
    (found,) = merged()
    wanted = [0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0]
    edges = schemes.edges(scheme)
    for share, got in zip(wanted, found.quantiles(wanted)[0].tolist(), strict=True):
        true = float(np.quantile(durations, share, method="inverted_cdf"))
        bucket = bucket_of(scheme, true)
        assert edges[bucket] <= got <= edges[bucket + 1], share
    assert (found.scheme, found.count) == (scheme, len(durations))
    assert found.sum == pytest.approx(sum(durations))


def test_buckets_of_one_scheme_add_up_and_those_of_two_do_not(count):
    count([0.001, 0.001, 0.5], scheme="loglin20")
    count([0.001], DAY + SECOND, scheme="loglin20")
    count([0.001] * 7, scheme="loglin4")
    assert [(one.scheme, one.count, round(one.sum, 9)) for one in merged()] == [
        ("loglin20", 4, 0.503),
        ("loglin4", 7, 0.007),
    ]


def test_a_batch_that_comes_twice_counts_once(host, data_dir):
    number = serieskeys.series_numbers(host, [serieskeys.key_of("rtt", {})], [False])[0]
    row = HistogramRow(number, DAY, "loglin4", 0.5, np.array([3, 9], np.uint32), np.array([2, 1]))
    batch = MetricBatch(BatchKey(host.pk, "e", 1), NO_POINTS, [row])
    backend.metric_store().append([batch, batch])
    backend.metric_store().append([batch])
    (found,) = merged()
    assert (found.count, found.sum) == (3, 0.5)


def whole_day(count) -> Counter:
    """An interval every ten minutes with ever slower observations; how many there are by bucket."""
    for n in range(144):
        count([0.001 * (n + 1)] * (n + 1), DAY + n * 600 * SECOND)
    return Counter({n: n + 1 for n in range(144)})


def described(points: int, start_ns: int = DAY, end_ns: int = DAY + 24 * HOUR) -> list:
    (maps,) = histograms.over_time([series.find((), "rtt")], start_ns, end_ns, points)
    return [
        (one.scheme, one.times_ns.tolist(), one.counts.sum(axis=1).tolist(), np.round(one.sums, 9).tolist(),
         one.edges[one.counts.argmax(axis=1)].tolist())
        for one in maps
    ]  # fmt: skip


def test_the_heat_map_is_the_same_hot_sealed_and_after_what_came_is_gone(count, settings):
    counts = whole_day(count)
    before = {points: described(points) for points in (1, 6, 24)}
    assert before[24][0][1] == [DAY + n * HOUR for n in range(24)]
    assert before[24][0][2] == [sum(counts[n] for n in range(hour * 6, hour * 6 + 6)) for hour in range(24)]
    assert len(described(144)[0][1]) == 144
    rollup.roll_up()
    assert len(described(144)[0][1]) == 144
    assert {points: described(points) for points in (1, 6, 24)} == before
    settings.CONFIG = {**settings.CONFIG, "RETENTION_POINT_DAYS": 1}
    retention.retain()
    assert NAME not in days.stored_days("points")
    assert {points: described(points) for points in (1, 6, 24)} == before
    assert len(described(144)[0][1]) == 24  # finer than what is left


def test_a_range_within_hours_counts_what_lies_in_it(count):
    whole_day(count)
    rollup.roll_up()
    span = DAY + 30 * 60 * SECOND, DAY + 5 * HOUR + 10 * 60 * SECOND
    (found,) = merged(span=span)
    assert found.count == sum(range(4, 32))


def test_late_histograms_are_seen_at_once_and_summed_up_by_the_next_sealing(count):
    whole_day(count)
    rollup.roll_up()
    total = merged()[0].count
    count([9.0] * 5, DAY + 3 * HOUR)
    count([9.0] * 2, DAY + 3 * HOUR, scheme="loglin4")
    assert [one.count for one in merged()] == [total + 5, 2]
    rollup.roll_up()
    assert hours.stale(NAME, 10**9) == []
    with days.writing(NAME, "points") as file:
        assert file.sql.execute("SELECT count(*) FROM hot_histogram").fetchone() == (0,)
        file.sql.execute("DELETE FROM histogram")
    assert [one.count for one in merged()] == [total + 5, 2]


@pytest.mark.parametrize("table", ["hot_histogram", "histogram"])
def test_a_corrupt_row_costs_itself_and_no_more(count, table):
    count([0.001], DAY, port="443")
    count([0.001] * 2, DAY + SECOND, port="80")
    if table == "histogram":
        rollup.roll_up()
    with days.writing(NAME, "points") as file:
        some = (
            "id = (SELECT min(id) FROM hot_histogram)"
            if table == "hot_histogram"
            else "series = (SELECT min(series) FROM histogram)"
        )
        file.sql.execute(f"UPDATE {table} SET intervals = ? WHERE {some}", (b"\x0a\x01",))
    (maps,) = histograms.over_time([series.find((), "rtt")], DAY, DAY + HOUR, 60)
    assert [one.count for one in maps] == [2]


def test_groups_are_kept_apart(count):
    for port, times in (("80", 1), ("443", 2), ("5432", 3)):
        count([0.01] * times, port=port)
    by_port = [[ref] for ref in series.find((), "rtt")]
    found = histograms.over_time([*by_port, []], DAY, DAY + HOUR, 60)
    assert [[one.count for one in maps] for maps in found] == [[1], [2], [3], []]


def test_a_column_in_which_nothing_was_counted_has_no_quantile(count):
    count([], DAY)
    assert merged() == []
    count([0.001], DAY + 20 * SECOND)
    (maps,) = histograms.over_time([series.find((), "rtt")], DAY, DAY + 60 * SECOND, 6)
    assert np.isnan(maps[0].quantiles([0.5])[:, 0]).tolist() == [True, False]


interval = st.tuples(
    st.integers(0, 3),
    st.integers(0, 1 << 42),
    st.dictionaries(st.integers(0, bucket_count("loglin20") - 1), st.integers(1, 1 << 53), max_size=6),
)
many = st.lists(interval, max_size=12)


def columns(rows: list) -> Intervals:
    return intervals.in_order(
        Intervals(
            np.array([one[0] for one in rows], np.uint32),
            np.array([one[1] for one in rows], np.int64),
            np.array([float(len(one[2])) for one in rows]),
            np.array([len(one[2]) for one in rows], np.int64),
            np.array([bucket for one in rows for bucket in sorted(one[2])], np.int64),
            np.array([one[2][bucket] for one in rows for bucket in sorted(one[2])], np.int64),
        )
    )


def total(all_: Intervals) -> Intervals:
    return intervals.added_up(all_, np.zeros(len(all_.series), np.int64))[1]


def cells(all_: Intervals) -> list[tuple[int, int]]:
    return list(zip(all_.buckets.tolist(), all_.counts.tolist(), strict=True))


@given(many, many, many)
def test_adding_up_is_associative_commutative_and_what_a_loop_would_do(first, second, third):
    one, two, three = map(columns, (first, second, third))
    naive: Counter = Counter()
    for _, _, found in first + second + third:
        naive.update(found)
    everything = cells(total(intervals.joined([one, two, three])))
    assert everything == sorted(naive.items())
    assert cells(total(intervals.joined([total(intervals.joined([one, two])), three]))) == everything
    assert cells(total(intervals.joined([three, total(intervals.joined([two, one]))]))) == everything


@given(many)
def test_intervals_come_back_from_their_blob(rows):
    before = columns(rows)
    after = intervals.decode(intervals.encode(before))
    assert [column.tolist() for column in after] == [column.tolist() for column in before]


@pytest.mark.parametrize("blob", [b"", compress(10, b""), compress(9, b"\0" * 8), compress(10, b"\1" + b"\0" * 7),
                                  compress(10, b"\0" * 9)])  # fmt: skip
def test_what_is_no_such_blob_is_told(blob):
    with pytest.raises(CorruptBlob):
        intervals.decode(blob)


def test_the_edges_are_those_that_the_collector_counts_by():
    edges = schemes.edges("loglin4")
    assert len(edges) == bucket_count("loglin4") + 1
    middles = (edges[:-1] + edges[1:]) / 2
    assert [bucket_of("loglin4", middle) for middle in middles.tolist()] == list(
        range(bucket_count("loglin4"))
    )
