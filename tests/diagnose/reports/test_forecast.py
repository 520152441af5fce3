"""The forecast of storage: from the sizes of past days to when it is too much."""

import random
import statistics

import pytest

from diagnose.reports.forecast import History, forecast, interval, rate_of

MB, GB = 10**6, 10**9


def history(sizes, kept_days, today=0):
    """Sizes of full days, yesterday first."""
    return History({0: today} | dict(enumerate(sizes, 1)), kept_days)


def test_the_rate_is_the_median_of_the_full_days_and_one_odd_day_does_not_move_it():
    rate = rate_of(history([100, 110, 90, 9_000, 105, 95, 1], kept_days=30, today=7), day_share=0.5)
    assert rate.median == statistics.median([100, 110, 90, 9_000, 105, 95])
    assert rate.low <= rate.median <= rate.high


def test_the_oldest_day_does_not_count_since_it_may_have_begun_at_noon():
    assert rate_of(history([100, 100, 3], 30), 0.5).median == 100


def test_with_no_more_than_the_first_day_and_today_it_is_today_that_tells():
    assert rate_of(history([3], 7, today=50), day_share=0.25).median == 200
    assert rate_of(history([3], 7, today=1), day_share=0.01).median == 3


def test_without_a_full_day_today_is_extrapolated_once_an_hour_of_it_is_over():
    assert rate_of(history([], 7, today=50), day_share=0.25).median == 200
    assert rate_of(history([], 7, today=50), day_share=0.01) is None
    assert forecast([history([], 7, today=50)], 0.01, GB, GB) is None


def test_the_interval_covers_the_median_as_often_as_it_says():
    chosen = random.Random(7)
    inside = 0
    for _ in range(2_000):
        low, high = interval(sorted(chosen.lognormvariate(0, 1) for _ in range(12)))
        inside += low <= 1.0 <= high  # the median of this distribution
    assert 0.88 < inside / 2_000 < 0.99


def test_retention_that_keeps_it_below_both_limits_is_no_trouble():
    found = forecast([history([100 * MB] * 10, kept_days=7)], 0.5, budget_bytes=2 * GB, free_bytes=2 * GB)
    assert found.full is None
    assert found.level_bytes == pytest.approx(700 * MB)


def test_the_budget_is_reached_when_the_days_at_that_rate_add_up_to_it():
    found = forecast([history([100 * MB] * 10, kept_days=90)], 0.5, budget_bytes=2 * GB, free_bytes=50 * GB)
    assert (found.full.limit, found.full.days) == ("budget", 11)  # 1.0 GB now, 100 MB a day, more than 2.0 GB


def test_the_disk_counts_when_it_is_full_before_the_budget_is_reached():
    found = forecast([history([100 * MB] * 10, kept_days=90)], 0.5, budget_bytes=20 * GB, free_bytes=500 * MB)
    assert (found.full.limit, found.full.days) == ("disk", 6)


def test_an_uneven_load_widens_the_interval_around_the_day():
    sizes = [60 * MB, 140 * MB, 100 * MB, 80 * MB, 120 * MB, 100 * MB, 90 * MB, 110 * MB]
    full = forecast([history(sizes, kept_days=365)], 0.5, budget_bytes=5 * GB, free_bytes=50 * GB).full
    assert full.soonest < full.days < full.latest


def test_what_is_past_its_retention_makes_room_for_what_comes():
    raw = history([100 * MB] * 7, kept_days=7)
    rollups = history([10 * MB] * 7, kept_days=90)
    found = forecast([raw, rollups], 0.5, budget_bytes=1 * GB, free_bytes=50 * GB)
    # Raw data stays at 0.7 GB, rollups come to 0.3 GB in thirty days.
    assert found.full.days == pytest.approx(24, abs=1)
    assert found.level_bytes == pytest.approx(1.6 * GB)


def test_few_days_have_no_interval():
    full = forecast([history([100 * MB], kept_days=90)], 0.5, budget_bytes=GB, free_bytes=GB).full
    assert (full.soonest, full.latest) == (None, None)
