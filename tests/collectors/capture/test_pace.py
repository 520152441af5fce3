"""Resting until what was spent is paid for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.capture.pace import Pace


def test_who_kept_to_the_share_need_not_rest():
    pace = Pace(0.01)
    pace.spend(since=100.0, cpu_seconds=0.2)
    assert pace.rest_seconds(now=120.0) == 0


def test_who_spent_twice_the_share_rests_as_long_as_he_worked():
    pace = Pace(0.01)
    pace.spend(since=100.0, cpu_seconds=0.4)
    assert pace.rest_seconds(now=120.0) == pytest.approx(20.0)


def test_nothing_is_saved_up_while_nothing_is_spent():
    pace = Pace(0.01)
    pace.spend(since=1000.0, cpu_seconds=0.4)
    assert pace.rest_seconds(now=1000.0) == pytest.approx(40.0)


@given(st.lists(st.floats(0.01, 1.0), min_size=20, max_size=60))
def test_in_the_long_run_the_share_holds_whatever_rounds_cost(costs):
    pace, now = Pace(0.0075), 0.0
    for cost in costs:
        began = now
        now += 20.0
        pace.spend(began, cost)
        now += pace.rest_seconds(now)
    assert sum(costs) / now <= 0.0075 * (1 + 1e-6)
