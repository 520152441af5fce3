"""What a pipeline fails on: growth that the samples are enough to prove."""

import random

from hypothesis import given
from hypothesis import strategies as st

from collectors.ctl import regression


def test_a_function_that_doubled_is_found_and_its_bounds_hold_the_truth():
    old, new = {"price": 1000, "rest": 9000}, {"price": 2000, "rest": 8000}
    (found,) = regression.worse(regression.of_shares(old, 10_000, new, 10_000), 0.05)
    assert found.name == "price"
    assert found.low < 0.10 < found.high


def test_few_samples_prove_nothing():
    changes = regression.of_shares({"price": 5, "rest": 45}, 50, {"price": 10, "rest": 40}, 50)
    assert regression.worse(changes, 0.05) == []


def test_a_function_that_is_new_counts_from_nothing():
    changes = regression.of_shares({"rest": 10_000}, 10_000, {"rest": 8_000, "new": 2_000}, 10_000)
    assert [change.name for change in regression.worse(changes, 0.05)] == ["new"]


def test_the_same_program_measured_twice_seldom_fails_however_many_functions_it_has():
    random.seed(1)
    names = [f"f{number}" for number in range(200)]
    failed = 0
    for _ in range(100):
        sides = []
        for _ in range(2):
            counts = dict.fromkeys(names, 0)
            for name in random.choices(names, k=2000):
                counts[name] += 1
            sides.append(counts)
        failed += bool(regression.worse(regression.of_shares(sides[0], 2000, sides[1], 2000), 0.0))
    assert failed <= 5


@given(st.integers(1, 10**6).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_a_share_lies_within_its_interval(counted):
    hits, of = counted
    low, high = regression.wilson(hits, of)
    assert 0 <= low <= hits / of + 1e-12
    assert hits / of - 1e-12 <= high <= 1
