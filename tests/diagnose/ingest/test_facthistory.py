"""The history of a fact is that of its readings in order of time, in whatever order they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from diagnose.ingest.facthistory import History, changes, told

START = datetime(2026, 1, 1, tzinfo=UTC)
Reading = tuple[int, str]


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def history_of(readings: list[Reading]) -> History:
    (first, value), *rest = readings
    history = History(((at(first), value),), at(first))
    for minute, told_value in rest:
        history = told(history, at(minute), told_value)
    return history


def starts_of(readings: list[Reading]) -> list[tuple[datetime, str]]:
    return list(history_of(readings).starts)


def expected(*starts: Reading) -> list[tuple[datetime, str]]:
    return [(at(minute), value) for minute, value in starts]


def test_a_late_reading_takes_its_place_between_two_others():
    assert starts_of([(1, "a"), (5, "c"), (3, "b")]) == expected((1, "a"), (3, "b"), (5, "c"))


def test_a_late_reading_from_before_all_others_comes_first():
    assert starts_of([(5, "c"), (1, "a"), (3, "b")]) == expected((1, "a"), (3, "b"), (5, "c"))
    assert starts_of([(5, "a"), (1, "a")]) == expected((1, "a"))


def test_a_value_that_was_there_and_went_again_before_the_last_reading_is_seen():
    assert starts_of([(1, "a"), (9, "a"), (5, "b")]) == expected((1, "a"), (5, "b"), (9, "a"))


def test_a_reading_that_tells_the_next_value_earlier_moves_its_start():
    assert starts_of([(1, "a"), (9, "b"), (5, "b")]) == expected((1, "a"), (5, "b"))


def test_of_two_readings_of_one_time_the_first_counts():
    assert starts_of([(1, "a"), (1, "b")]) == expected((1, "a"))
    assert starts_of([(1, "a"), (5, "b"), (9, "c"), (5, "x")]) == expected((1, "a"), (5, "b"), (9, "c"))


def test_changes_are_what_lies_between_the_starts():
    assert changes(starts_of([(1, "a"), (5, "b"), (9, "a")])) == [(at(5), "a", "b"), (at(9), "b", "a")]
    assert changes(starts_of([(1, "a")])) == []


@given(st.permutations(range(8)))
def test_values_that_never_return_have_one_history_in_any_order(order):
    assert starts_of([(minute, str(minute)) for minute in order]) == expected(
        *((n, str(n)) for n in range(8))
    )


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc")), min_size=1, max_size=20))
def test_whatever_comes_the_newest_reading_is_the_value_and_no_two_neighbours_are_alike(readings):
    history = history_of(readings)
    newest = max(minute for minute, _ in readings)
    assert history.read_at == at(newest)
    assert history.value == next(value for minute, value in readings if minute == newest)
    assert list(history.starts) == sorted(history.starts)
    assert all(
        before[1] != after[1] for before, after in zip(history.starts, history.starts[1:], strict=False)
    )
