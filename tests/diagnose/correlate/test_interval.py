"""The interval of a sampled share, and Amdahl's law."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.correlate.interval import speed_up, wilson


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_interval_holds_the_share_and_stays_within_0_and_1(sampled):
    low, high = wilson(*sampled)
    share = sampled[0] / sampled[1]
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1


def test_more_samples_narrow_the_interval():
    narrow, wide = wilson(500, 1000), wilson(50, 100)
    assert narrow[1] - narrow[0] < (wide[1] - wide[0]) / 3 + 0.01


def test_the_interval_agrees_with_the_published_example():
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, method 3


def test_half_the_time_of_half_the_work_is_a_third_faster():
    assert speed_up(0.5, 2) == pytest.approx(4 / 3)
    assert speed_up(0.0, 100) == 1
