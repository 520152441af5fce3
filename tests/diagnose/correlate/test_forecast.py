"""Time to limit: what fills up is told with an interval, what comes back or ends by itself is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose.correlate.forecast import forecast

MINUTES = np.arange(120, dtype=np.int64) * 60 * 10**9


def noise(size, seed=1):
    return np.random.default_rng(seed).normal(0, size, len(MINUTES))


def line(start, per_minute):
    return start + per_minute * np.arange(len(MINUTES), dtype=float)


def test_steady_growth_is_told_with_the_time_it_leaves():
    found = forecast(MINUTES, line(100, 5) + noise(3), 1000)
    assert found.state == "fills"
    assert found.seconds == pytest.approx((1000 - 695) / 5 * 60, rel=0.05)
    assert found.soonest <= found.seconds <= found.latest
    assert found.latest < 1.3 * found.seconds


def test_the_interval_holds_the_truth_as_often_as_it_says():
    inside = 0
    for seed in range(200):
        found = forecast(MINUTES, line(100, 1) + noise(8, seed), 1000)
        inside += found.state == "fills" and found.slowest <= 1 / 60 <= found.fastest
    assert inside / 200 >= 0.85


@pytest.mark.parametrize("period", [7, 20, 45])
def test_what_saw_tooths_is_never_told(period):
    teeth = 100 + 800 * (np.arange(len(MINUTES)) % period) / period
    for end in range(period + 5, len(MINUTES)):
        found = forecast(MINUTES[:end], teeth[:end] + noise(5)[:end], 1000)
        assert found.state != "fills", end


def test_saw_teeth_over_a_slow_leak_are_not_taken_for_it():
    teeth = line(100, 0.5) + 300 * (np.arange(len(MINUTES)) % 15) / 15
    assert forecast(MINUTES, teeth, 1000).state in ("returns", "steady")


def test_a_cache_that_warms_up_levels_off():
    warm = 100 + 800 * (1 - np.exp(-np.arange(len(MINUTES)) / 15))
    assert forecast(MINUTES, warm + noise(2), 1000).state in ("levels off", "steady")


def test_a_level_that_wanders_is_steady():
    states = [forecast(MINUTES, 500 + np.cumsum(noise(5, seed)), 1000).state for seed in range(100)]
    assert states.count("fills") <= 5


@pytest.mark.parametrize("values", [line(500, 0), line(900, -2), line(100, 0) + noise(20)])
def test_what_does_not_grow_is_steady(values):
    assert forecast(MINUTES, values, 1000).seconds is None


def test_a_few_minutes_are_too_early():
    assert forecast(MINUTES[:8], line(100, 5)[:8], 1000).state == "too early"
    assert forecast(MINUTES[:1], line(100, 5)[:1], 1000).state == "too early"


def test_what_is_full_already_has_no_time_left():
    found = forecast(MINUTES, line(500, 5), 1000)
    assert (found.seconds, found.soonest) == (0, 0)


def test_nothing_and_a_limit_that_means_nothing_are_not_told():
    assert forecast(MINUTES[:0], line(1, 1)[:0], 10) is None
    for limit in (0.0, -1.0, float("nan"), float("inf")):
        assert forecast(MINUTES, line(1, 1), limit) is None


def test_a_month_ahead_is_no_news():
    assert forecast(MINUTES, line(100, 1e-4), 1e6).state == "steady"


READING = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 1e6))


@given(st.lists(READING, max_size=80), st.floats(1, 1e9))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_readings_however_wild_raise(values, limit):
    found = forecast(MINUTES[: len(values)], np.array(values, float), limit)
    assert found is None or found.seconds is None or found.soonest <= found.seconds <= found.latest


@given(st.lists(st.floats(1, 1e4), min_size=20, max_size=60), st.floats(1e-3, 1e3))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_unit_changes_nothing(values, factor):
    readings, times = np.array(values), MINUTES[: len(values)]
    one, other = forecast(times, readings, 2e4), forecast(times, readings * factor, 2e4 * factor)
    assert one.state == other.state
    assert (one.seconds is None) == (other.seconds is None)
    assert one.seconds is None or other.seconds == pytest.approx(one.seconds, rel=1e-6)
