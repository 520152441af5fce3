"""Two selections against each other, held against a plain reference."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from diagnose.store import diff
from tests.diagnose.store.drawn import COUNTS, merged, read, totals, tree_of

COLUMNS = "total", "self", "base_total", "base_self"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(COUNTS, COUNTS)
def test_both_sides_equal_a_naive_reference(put_profile, before, after):
    service, (base, other) = merged(put_profile, before, after)
    answer = read(diff.build(service, base, other, cut=0).as_json("absolute"))
    old, new = totals(before), totals(after)
    expected = {
        path: (new[path], after.get(path, 0), old[path], before.get(path, 0)) for path in {*old, *new, ()}
    }
    assert tree_of(answer, answer["nodes"], *COLUMNS) == expected
    changes = tree_of(answer, answer["nodes"], "change")
    assert changes == {path: (new[path] - old[path],) for path in expected}
    assert answer["nodes_total"] == len(expected)


@pytest.mark.parametrize("mode", ["absolute", "relative", "normalised"])
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(COUNTS)
def test_a_selection_does_not_differ_from_itself(put_profile, mode, counts):
    service, (one,) = merged(put_profile, counts)
    found = diff.build(service, one, one)
    assert {change for change in found.change(mode) if change is not None} <= {0}
    assert found.total.tolist() == found.base_total.tolist()


def test_an_empty_selection_has_only_a_root_on_both_sides(put_profile):
    service, (one,) = merged(put_profile, {})
    answer = diff.build(service, one, one).as_json("relative")
    assert (answer["nodes"]["depth"], answer["nodes"]["change"], answer["nodes_total"]) == ([0], [None], 1)


def test_modes_tell_counts_growth_per_second_and_shares(put_profile):
    service, (base, other) = merged(put_profile, {("a",): 30, ("b",): 10}, {("a",): 30, ("b",): 30})
    twice_as_long = replace(other, seconds=2 * base.seconds)
    found = diff.build(service, base, twice_as_long)
    assert [found.frames[number].name for number in found.frame.tolist()] == ["all", "a", "b"]
    assert found.change("absolute") == [20, 0, 20]
    assert found.change("relative") == [-0.25, -0.5, 0.5]
    assert found.change("normalised") == [0, -0.25, 0.25]


def test_what_is_new_has_no_growth_in_relative_terms(put_profile):
    service, (base, other) = merged(put_profile, {("a",): 1}, {("a",): 1, ("b",): 1})
    assert diff.build(service, base, other).change("relative") == [1, 0, None]


def test_a_node_is_left_out_only_where_it_is_small_on_both_sides(put_profile):
    before, after = {("a",): 999, ("b",): 1}, {("a",): 500, ("b",): 500, ("c",): 1}
    service, (base, other) = merged(put_profile, before, after)
    found = diff.build(service, base, other, cut=0.01)
    assert [found.frames[number].name for number in found.frame.tolist()] == ["all", "a", "b"]
    assert (found.base_total.tolist(), found.nodes_total) == ([1000, 999, 1], 4)


def test_a_base_of_another_sampling_rate_is_told_in_the_period_of_the_other(put_profile):
    service, (base, other) = merged(put_profile, {("a",): 100, ("b",): 1}, {("a",): 10})
    found = diff.build(service, replace(base, period_ns=1_000_000), other)
    assert found.base_total.tolist() == [11, 10, 1]
    assert found.merged.period_ns == found.base.period_ns == 10_000_000


def test_what_measures_different_things_is_not_compared(put_profile):
    service, (base, other) = merged(put_profile, {("a",): 1}, {("a",): 1})
    with pytest.raises(diff.Incomparable, match="gil profiles in samples and cpu profiles in samples"):
        diff.build(service, replace(base, type="gil"), other)
