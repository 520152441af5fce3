"""What is usual for a series, whatever incidents lie in its past."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose.correlate.baseline import baseline

# Others may use the machine's CPUs meanwhile.
steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

HOUR, TEN_MINUTES = 3600 * 10**9, 600 * 10**9
WEEK = np.arange(7 * 144, dtype=np.int64) * TEN_MINUTES
NOW = 7 * 24 * HOUR + 9 * HOUR


def daily(quiet=10.0, busy=100.0):
    """Busy from 8 to 18 h."""
    hours = WEEK // HOUR % 24
    return np.where((hours >= 8) & (hours < 18), busy, quiet) + np.random.default_rng(3).normal(
        0, 1, len(WEEK)
    )


def test_the_hour_of_the_day_counts_where_there_are_enough_days():
    day, night = baseline(WEEK, daily(), NOW), baseline(WEEK, daily(), NOW + 15 * HOUR)
    assert day.median == pytest.approx(100, abs=2)
    assert night.median == pytest.approx(10, abs=2)
    assert day.days == 7
    assert abs(day.score(100)) < 3 < night.score(100)


def test_of_a_day_all_hours_count():
    found = baseline(WEEK[:144], daily()[:144], 24 * HOUR)
    assert found.days == 0
    assert found.low < 15 < 95 < found.high


def test_an_incident_in_the_past_does_not_move_what_is_usual():
    values = daily(50, 50)
    values[::25] = 10_000
    found = baseline(WEEK, values, NOW)
    assert found.median == pytest.approx(50, abs=1)
    assert found.score(1_000) > 20


def test_a_series_that_never_moved_has_no_infinite_score_for_a_little():
    found = baseline(WEEK, np.full(len(WEEK), 40.0), NOW)
    assert found.score(41) < 1
    assert found.score(80) > 10
    assert baseline(WEEK, np.zeros(len(WEEK)), NOW).score(0) == 0


def test_few_readings_and_later_ones_tell_nothing():
    assert baseline(WEEK[:20], daily()[:20], NOW) is None
    assert baseline(WEEK + NOW, daily(), NOW) is None


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60), st.integers(0, 2 * NOW))
@steady
def test_no_readings_however_wild_raise(values, at_ns):
    found = baseline(WEEK[: len(values)], np.array(values, float), at_ns)
    assert found is None or found.low <= found.median <= found.high


@given(st.permutations(range(48)), st.floats(0.01, 1e6))
@steady
def test_order_and_unit_change_nothing(order, factor):
    times, values = WEEK[:48], daily()[:48]
    order = np.array(order)
    found, other = baseline(times, values, NOW), baseline(times[order], values[order] * factor, NOW)
    assert other.median == pytest.approx(found.median * factor)
    assert other.score(70 * factor) == pytest.approx(found.score(70))
