"""Points summed up: whatever the zoom, the extremes are the true ones, and sums, numbers and covered time add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.store import summaries, summaryblob
from diagnose.store.blob import CorruptBlob, compress
from diagnose.store.summaries import HOUR_MS, MINUTE_MS, Piece

HOUR = 480_000 * HOUR_MS
values = st.one_of(st.integers(-(10**6), 10**6).map(float), st.integers(0, 10**8).map(lambda n: n / 1000))
points = st.dictionaries(st.integers(0, 6 * HOUR_MS - 1), values, min_size=1, max_size=60)


def hourly(series: int, found: dict[int, float]) -> list[Piece]:
    """As sealing makes them: a piece an hour, in order."""
    moments = np.array(sorted(found), np.int64)
    given_values = np.array([found[at] for at in moments.tolist()])
    hours = moments // HOUR_MS
    return [
        summaries.piece(series, HOUR + moments[hours == hour], given_values[hours == hour], MINUTE_MS)
        for hour in np.unique(hours).tolist()
    ]


def cut(pieces: list[Piece], how: str, width_ms: int = 6 * HOUR_MS) -> dict[int, list[float]]:
    found = summaries.cut(pieces, HOUR, HOUR + 6 * HOUR_MS, width_ms, how)
    return {series: each.tolist() for series, (_, each) in found.items()}


@given(points, st.integers(1, 400))
def test_a_spike_survives_any_zoom(found, minutes):
    pieces = hourly(3, found)
    assert max(cut(pieces, "max", minutes * MINUTE_MS)[3]) == max(found.values())
    assert min(cut(pieces, "min", minutes * MINUTE_MS)[3]) == min(found.values())
    assert sum(cut(pieces, "sum", minutes * MINUTE_MS)[3]) == pytest.approx(sum(found.values()))


@given(points, st.sampled_from([1, 2, 5, 60, 120]))
def test_each_bucket_is_what_its_points_say(found, minutes):
    width = minutes * MINUTE_MS
    expected: dict[int, list[float]] = {}
    for at in sorted(found):
        expected.setdefault((HOUR + at) // width * width, []).append(found[at])
    for how, of in {"max": max, "min": min, "sum": sum, "avg": lambda each: sum(each) / len(each)}.items():
        times, got = summaries.cut(hourly(3, found), HOUR, HOUR + 6 * HOUR_MS, width, how)[3]
        assert times.tolist() == list(expected)
        assert got.tolist() == pytest.approx([of(each) for each in expected.values()])


def ticking(step_ms: int, count: int, first_ms: int = 0) -> dict[int, float]:
    return {first_ms + n * step_ms: step_ms / 200 for n in range(count)}


@pytest.mark.parametrize("step_ms", [1_000, 7_000, 10_000, 60_000, 150_000])
def test_a_steady_counter_is_the_same_rate_at_any_zoom(step_ms):
    pieces = hourly(3, ticking(step_ms, 5 * HOUR_MS // step_ms))
    for width in (MINUTE_MS, 7 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS):
        assert set(np.round(cut(pieces, "rate", width)[3], 9)) == {5.0}


def test_a_reading_an_hour_covers_the_hour():
    pieces = hourly(3, {n * HOUR_MS + 1000: 7200.0 for n in range(6)})
    assert cut(pieces, "rate", HOUR_MS)[3] == [2.0] * 6


def test_a_pause_does_not_thin_a_rate():
    pieces = hourly(3, ticking(10_000, 60) | ticking(10_000, 60, 3 * HOUR_MS))
    assert cut(pieces, "rate")[3] == [5.0]


def test_one_reading_alone_has_no_rate_but_a_value():
    pieces = hourly(3, {5: 8.0})
    assert cut(pieces, "rate") == {}
    assert cut(pieces, "avg") == {3: [8.0]}


def test_repeated_times_count_as_readings_of_the_usual_step():
    moments = np.array([0, 10, 20, 20, 20, 30]) * 1000 + HOUR
    assert summaries.coverage(moments, MINUTE_MS).covered_ms.tolist() == [50_000]


def test_series_side_by_side_are_not_mixed():
    pieces = [*hourly(3, {1: 1.0, HOUR_MS + 5: 2.0}), *hourly(9, {2: 100.0})]
    assert cut(pieces, "max") == {3: [2.0], 9: [100.0]}
    assert summaries.cut(pieces, HOUR + HOUR_MS, HOUR + 2 * HOUR_MS, HOUR_MS, "max").keys() == {3}
    assert summaries.cut([], 0, 1, 1, "max") == {}


def stored(pieces: list[Piece]) -> list[Piece]:
    """Through the blobs and back."""
    covered = summaryblob.decode_coverages(
        [summaryblob.encode_coverage(one.coverage, HOUR) for one in pieces], [HOUR] * len(pieces)
    )
    blobs = [summaryblob.encode_values(one.values[:, None], one.coverage.counts)[0] for one in pieces]
    kept = summaryblob.decode_values(blobs)
    return [Piece(one.series, *both) for one, *both in zip(pieces, covered, kept, strict=True)]


@given(points)
def test_coverage_and_values_come_back_from_their_blobs(found):
    pieces = hourly(3, found)
    for before, after in zip(pieces, stored(pieces), strict=True):
        assert [np.array_equal(a, b) for a, b in zip(before.coverage, after.coverage, strict=True)] == [
            True
        ] * 6
        assert np.array_equal(before.values[:2], after.values[:2])
        np.testing.assert_allclose(before.values[2], after.values[2], rtol=1e-11, atol=1e-9)


@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3), min_size=1, max_size=40))
def test_any_finite_values_come_back(rows):
    given_values = np.array(rows).T.copy()
    given_values[:2].sort(axis=0)
    (found,) = summaryblob.decode_values(
        summaryblob.encode_values(given_values[:, None], np.ones(len(rows), np.int64))
    )
    assert np.array_equal(found[:2], given_values[:2])
    np.testing.assert_allclose(found[2], given_values[2], rtol=1e-11, atol=1e-9)


def test_the_greatest_numbers_keep_their_extremes_and_sum_up_to_infinity():
    one = summaries.piece(3, HOUR + np.arange(3) * 10_000, np.array([1.7e308, -1.0, 1.7e308]), MINUTE_MS)
    assert stored([one])[0].values.tolist() == [[-1.0], [1.7e308], [float("inf")]]


def test_decimals_add_up_exactly_though_floats_would_not():
    one = summaries.piece(3, HOUR + np.arange(3) * 10_000, np.full(3, 0.1), MINUTE_MS)
    assert one.values[2].tolist() != [0.3]
    assert stored([one])[0].values[2].tolist() == [0.3]


@pytest.mark.parametrize(
    "blob", [b"", compress(6, b"abc"), compress(6, b"\0" * 12), compress(7, b""), compress(7, b"\0" * 16),
             compress(8, b"\0"), compress(8, b"\0\0\0\1" + b"\0" * 4), compress(9, b"\0" * 24)]
)  # fmt: skip
def test_what_is_no_such_blob_is_told_and_the_rest_is_read(blob):
    whole = summaries.piece(3, HOUR + np.arange(6) * 10_000, np.arange(6.0), MINUTE_MS)
    coverage = summaryblob.encode_coverage(whole.coverage, HOUR)
    (values,) = summaryblob.encode_values(whole.values[:, None], whole.coverage.counts)
    broken, kept = summaryblob.decode_coverages([blob, coverage], [HOUR, HOUR])
    assert isinstance(broken, CorruptBlob)
    assert kept.counts.tolist() == [6]
    broken, kept = summaryblob.decode_values([blob, values])
    assert isinstance(broken, CorruptBlob)
    assert kept.tolist() == [[0.0], [5.0], [15.0]]
