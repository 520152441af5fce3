"""Callers and callees of one function, held against a plain reference."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose.store import flamegraph, sandwich
from tests.diagnose.store.drawn import COUNTS, Path, merged, read, tree_of
from tests.diagnose.store.drawn import totals as totals_of


def naive(counts: dict[Path, int], name: str) -> tuple[dict[Path, int], dict[Path, int]]:
    """Paths upwards and downwards of the outermost call in each stack."""
    callers: Counter[Path] = Counter()
    callees: Counter[Path] = Counter()
    for path, number in counts.items():
        if name in path:
            at = path.index(name)
            callers[path[:at][::-1]] += number
            callees[path[at + 1 :]] += number
    return callers, callees


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(COUNTS, st.sampled_from("abcdef"))
def test_both_trees_equal_a_naive_reference_and_the_top_list(put_profile, counts, name):
    service, (one,) = merged(put_profile, counts)
    answer = read(sandwich.build(service, one, name, cut=0).as_json())
    for side, own in zip(("callers", "callees"), naive(counts, name), strict=True):
        total = totals_of(own)
        expected = {path: (total[path], own.get(path, 0)) for path in {*total, ()}}
        tree = tree_of(answer, answer[side], "total", "self")
        assert tree == expected
        assert list(tree) == sorted(tree)
    rows = {row.name: (row.self, row.total) for row in flamegraph.top(service, one)}
    assert (answer["self"], answer["total"]) == rows.get(name, (0, 0))


def test_a_recursion_counts_once_and_stays_visible_below(put_profile):
    service, (one,) = merged(put_profile, {("main", "f", "g", "f"): 5, ("main", "f"): 2, ("g", "f"): 1})
    found = sandwich.build(service, one, "f")
    answer = found.as_json()
    assert (found.self, found.total, found.whole) == (8, 8, 8)
    assert tree_of(answer, answer["callees"], "total") == {(): (8,), ("g",): (5,), ("g", "f"): (5,)}
    assert tree_of(answer, answer["callers"], "total") == {(): (8,), ("g",): (1,), ("main",): (7,)}


def test_small_branches_are_cut_on_both_sides(put_profile):
    counts = {("main", "f", "big"): 999, ("rare", "f"): 1, ("main", "f", "small"): 1}
    service, (one,) = merged(put_profile, counts)
    answer = sandwich.build(service, one, "f", cut=0.01).as_json()
    assert list(tree_of(answer, answer["callers"])) == [(), ("main",)]
    assert list(tree_of(answer, answer["callees"])) == [(), ("big",)]


def test_a_file_tells_functions_of_one_name_apart(put_profile):
    service, (one,) = merged(put_profile, {("main", "f"): 3})
    assert sandwich.build(service, one, "f", "shop.py").total == 3
    assert sandwich.build(service, one, "f", "other.py").total == 0
    (only,) = sandwich.build(service, one, "f").matched
    assert (only.name, only.file) == ("f", "shop.py")


def test_a_function_that_was_never_seen_is_all_zero(put_profile):
    service, (one,) = merged(put_profile, {("main", "f"): 3})
    found = sandwich.build(service, one, "nobody")
    assert (found.matched, found.self, found.total, found.whole) == ([], 0, 0, 3)
    assert found.callers.depth.tolist() == found.callees.depth.tolist() == [0]


def test_a_function_named_like_the_root_is_a_function(put_profile):
    service, (one,) = merged(put_profile, {("all", "f"): 3})
    assert sandwich.build(service, one, "all").total == 3
    assert [row.name for row in flamegraph.top(service, one)] == ["f", "all"]
