"""Counters become increases: nothing at first, resets once, small steps back not at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collectors.readings import Counters, Increases


def test_the_first_reading_of_a_counter_yields_nothing():
    assert Increases().since_last({"a": 7.0}) == {}


def test_a_counter_that_rose_yields_its_increase():
    increases = Increases()
    increases.since_last({"a": 7.0, "b": 1.0})
    assert increases.since_last({"a": 9.0, "b": 1.0}) == {"a": 2.0, "b": 0.0}


def test_a_reset_counts_what_came_since_zero_and_only_once():
    increases = Increases()
    increases.since_last({"a": 1000.0})
    assert increases.since_last({"a": 3.0}) == {"a": 3.0}
    assert increases.since_last({"a": 4.0}) == {"a": 1.0}


def test_a_counter_that_vanished_begins_anew():
    increases = Increases()
    increases.since_last({"a": 5.0})
    increases.since_last({})
    assert increases.since_last({"a": 9.0}) == {}


def test_a_small_step_back_is_no_reset_and_is_made_up_for_first():
    increases = Increases(jitter=3.0)
    increases.since_last({"idle": 100.0})
    assert increases.since_last({"idle": 99.0}) == {"idle": 0.0}
    assert increases.since_last({"idle": 102.0}) == {"idle": 2.0}
    assert increases.since_last({"idle": 4.0}) == {"idle": 4.0}


@given(st.lists(st.floats(0, 1e12), min_size=2))
def test_increases_are_never_negative(readings):
    increases = Increases()
    for reading in readings:
        assert all(value >= 0 for value in increases.since_last({"a": reading}).values())


@given(st.lists(st.integers(0, 1000)))
def test_without_a_reset_the_increases_add_up_to_the_whole_rise(steps):
    increases = Increases()
    total, told = 50, 0.0
    increases.since_last({"a": total})
    for step in steps:
        total += step
        told += increases.since_last({"a": total})["a"]
    assert told == total - 50


def test_counters_are_marked_as_such_on_the_wire():
    counters = Counters()
    key = ("softnet_dropped_total", (("cpu", "1"),))
    assert list(counters.points(1, {key: 5})) == []
    (point,) = counters.points(2, {key: 8})
    assert (point.metric, point.labels, point.times, point.values, point.counter) == (
        "softnet_dropped_total",
        {"cpu": "1"},
        [2],
        [3.0],
        True,
    )
