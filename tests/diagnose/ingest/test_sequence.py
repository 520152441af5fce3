"""The arithmetic of marks and gaps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diagnose.ingest.sequence import advance


def test_the_mark_stops_before_a_missing_batch():
    assert advance(0, [2, 3], 1).committed == 0
    assert advance(0, [1, 2, 4], 1).committed == 2


def test_what_lies_before_the_oldest_is_given_up():
    progress = advance(2, [4, 9], 8)
    assert (progress.committed, progress.gaps) == (7, ((3, 3), (5, 7)))


def test_a_jump_of_any_size_costs_nothing():
    progress = advance(0, [2**61], 2**61)
    assert (progress.committed, progress.gaps) == (2**61, ((1, 2**61 - 1),))


@given(st.sets(st.integers(1, 40)), st.integers(0, 40), st.integers(1, 41))
def test_every_number_up_to_the_mark_is_done_or_a_gap_and_the_next_is_neither(done, committed, oldest):
    progress = advance(committed, done, oldest)
    lost = {seq for first, last in progress.gaps for seq in range(first, last + 1)}
    assert progress.committed >= committed
    for seq in range(committed + 1, progress.committed + 1):
        assert (seq in done) != (seq in lost)
        assert seq in done or seq < oldest
    if done and max(done) >= oldest:
        assert progress.committed + 1 not in done
        assert progress.committed + 1 >= oldest
