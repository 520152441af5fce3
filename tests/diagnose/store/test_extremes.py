"""The smallest and the largest profiles there may be: a right answer at a bounded cost."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from diagnose.store import blob, diff, flamegraph, profiles, rollup, sandwich, shares, sums
from diagnose.store.profiles import Selector
from tests.diagnose.store.drawn import merged
from tests.diagnose.store.test_profiles import DAY, HOUR_NS

SHOP = Selector("shop", "cpu")
MOST = 2**53


def every_answer(service: str, one: profiles.Merged, function: str) -> tuple[int, ...]:
    """The total that each of the answers tells of the whole."""
    return (
        int(flamegraph.build(service, one).total[0]),
        int(diff.build(service, one, one).base_total[0]),
        sandwich.build(service, one, function).total,
        next(row.total for row in flamegraph.top(service, one, 10**6) if row.name == function),
    )


def test_a_single_stack_of_a_single_frame(put_profile):
    service, (one,) = merged(put_profile, {("main",): 1})
    assert every_answer(service, one, "main") == (1,) * 4


def test_a_stack_without_frames_counts_in_the_whole_alone(put_profile):
    service, (one,) = merged(put_profile, {(): 3, ("main",): 1})
    assert every_answer(service, one, "main") == (4, 4, 1, 1)


def test_a_function_without_a_name_is_a_function(put_profile):
    service, (one,) = merged(put_profile, {("main", ""): 3, ("", ""): 1})
    rows = {row.name: (row.self, row.total) for row in flamegraph.top(service, one)}
    assert rows == {"": (4, 4), "main": (0, 3)}
    assert sandwich.build(service, one, "").total == 4


@pytest.mark.parametrize("depth", [1, 2, 2_000])
def test_a_stack_of_any_depth_is_drawn_whole(put_profile, depth):
    path = tuple(f"f{number}" for number in range(depth))
    service, (one,) = merged(put_profile, Counter({path: 5}) + Counter({("f0",): 1}))
    graph = flamegraph.build(service, one, cut=0)
    assert (int(graph.depth.max()), graph.nodes_total) == (depth, depth + 1)
    assert every_answer(service, one, "f0") == (6,) * 4
    assert len(sandwich.build(service, one, path[-1]).callers.depth) == depth


def test_a_recursion_of_two_thousand_calls_is_one_function(put_profile):
    service, (one,) = merged(put_profile, {("f",) * 2_000: 5})
    assert every_answer(service, one, "f") == (5,) * 4


@pytest.mark.system
def test_a_hundred_thousand_stacks_are_answered_in_little_time(put_profile):
    names = [f"f{number}" for number in range(47)]
    stacks = {("main", *path): 1 + number % 3 for number, path in enumerate(product(names, repeat=3))}
    assert len(stacks) > 100_000
    put_profile(DAY, stacks, service="wide")
    selector = Selector("wide", "cpu")
    one = profiles.merge(selector, DAY, DAY + HOUR_NS)
    total = sum(stacks.values())
    flamegraph.build("wide", one)  # reads the tree, once
    began = time.process_time()
    assert every_answer("wide", one, "main") == (total,) * 4
    assert shares.of_function(selector, "main", "", DAY, DAY + HOUR_NS, 10).samples[0] == total
    assert time.process_time() - began < 3
    rollup.roll_up()
    assert profiles.merge(selector, DAY, DAY + HOUR_NS).counts.sum() == total


def test_counts_from_none_to_the_most_that_ingest_takes_are_kept_exactly(put_profile):
    put_profile(DAY, {("main", "a"): MOST, ("main", "b"): 0}, period_ns=1)
    put_profile(DAY, {("main", "a"): MOST, ("main", "c"): 1}, period_ns=1)
    for _ in range(2):
        one = profiles.merge(SHOP, DAY, DAY + HOUR_NS)
        rows = {row.name: row.self for row in flamegraph.top("shop", one)}
        assert rows == {"a": 2 * MOST, "c": 1, "main": 0}
        rollup.roll_up()


def part(count: int, period_ns: int = 1) -> sums.Part:
    return sums.Part(blob.encode_counts(np.array([7], np.uint32), np.array([count], np.int64)), period_ns)


def test_a_sum_beyond_64_bits_leaves_out_and_counts_what_goes_too_far():
    total = sums.add_up([part(2**61), part(2**60), part(2**62), part(5)])
    assert (total.counts.tolist(), total.corrupt) == ([2**61 + 2**60 + 5], 1)


def test_many_periods_of_huge_counts_stay_in_64_bits():
    total = sums.add_up([part(MOST, 10_000_000), part(MOST, 20_000_000)])
    weight = int(total.counts[0]) * total.period_ns
    assert 0 < int(total.counts[0]) < 2**63
    assert weight == pytest.approx(3e7 * MOST, rel=1e-9)


def test_a_base_of_a_far_longer_period_stays_in_64_bits(put_profile):
    service, (base, other) = merged(put_profile, {("a",): 1}, {("a",): 1})
    huge = replace(base, counts=base.counts * MOST, period_ns=10**10)
    assert diff.build(service, huge, replace(other, period_ns=1)).base_total[0] == 2**62
