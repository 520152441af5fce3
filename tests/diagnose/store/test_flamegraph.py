"""Flame graphs and top lists against a plain reference, and the tree while its dictionary grows."""

from __future__ import annotations

import json
import time
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose.models import Service
from diagnose.store import flamegraph, profiles
from diagnose.store.profiles import Selector

HOUR_NS = 3600 * 10**9
START = time.time_ns() - 600 * 10**9
SPAN = START - HOUR_NS, START + HOUR_NS


def merged(service: str = "shop") -> profiles.Merged:
    return profiles.merge(Selector(service, "cpu"), *SPAN)


def tree_of(graph: flamegraph.FlameGraph) -> dict[tuple[str, ...], tuple[int, int]]:
    """(total, self) by path, read the way the page reads it."""
    answer = json.loads(json.dumps(graph.as_json()))
    names = [answer["strings"][number] for number in answer["frames"]["name"]]
    nodes = answer["nodes"]
    path: list[str] = []
    found = {}
    for frame, depth, total, own in zip(
        *(nodes[key] for key in ("frame", "depth", "total", "self")), strict=True
    ):
        path[depth:] = [names[frame]]
        found[tuple(path[1:])] = (total, own)
    return found


def test_nodes_stand_depth_first_with_siblings_by_name(put_profile):
    put_profile(START, {("main", "z"): 1, ("main", "a", "x"): 2, ("boot",): 4, ("main", "a"): 8})
    graph = flamegraph.build("shop", merged(), cut=0)
    assert list(tree_of(graph).items()) == [
        ((), (15, 0)),
        (("boot",), (4, 4)),
        (("main",), (11, 0)),
        (("main", "a"), (10, 8)),
        (("main", "a", "x"), (2, 2)),
        (("main", "z"), (1, 1)),
    ]
    assert graph.frames[0].name == "all"


def test_small_nodes_are_cut_and_their_number_is_told(put_profile):
    put_profile(START, {("main", "big"): 9_999, ("main", "small"): 1})
    graph = flamegraph.build("shop", merged(), cut=0.001)
    assert list(tree_of(graph)) == [(), ("main",), ("main", "big")]
    assert graph.nodes_total == 4
    assert graph.total[0] == 10_000


def test_threads_stand_below_the_root_when_asked_for(put_profile):
    put_profile(START, {("main", "a"): 3}, thread="MainThread")
    put_profile(START, {("main", "a"): 5}, thread="worker-1")
    plain, by_thread = (tree_of(flamegraph.build("shop", merged(), threads=one)) for one in (False, True))
    assert plain[("main", "a")] == (8, 8)
    assert by_thread[("worker-1", "main", "a")] == (5, 5)
    assert by_thread[("MainThread", "main")] == (3, 0)


def test_a_tree_that_was_asked_for_before_knows_new_stacks(put_profile):
    put_profile(START, {("main", "m"): 1})
    assert tree_of(flamegraph.build("shop", merged()))[("main",)] == (1, 0)
    put_profile(START, {("main", "a", "b"): 2, ("alpha",): 1, ("main", "m"): 1})
    assert list(tree_of(flamegraph.build("shop", merged()))) == [
        (), ("alpha",), ("main",), ("main", "a"), ("main", "a", "b"), ("main", "m"),
    ]  # fmt: skip


def test_recursion_counts_once_in_a_function_s_total(put_profile):
    put_profile(START, {("main", "f", "g", "f"): 5, ("main", "f"): 2, ("g", "f"): 1})
    rows = {row.name: (row.self, row.total) for row in flamegraph.top("shop", merged())}
    assert rows == {"f": (8, 8), "g": (0, 6), "main": (0, 7)}


def test_stacks_come_heaviest_first_with_their_thread_and_frames(put_profile):
    put_profile(START, {("main", "a"): 1, ("main", "b"): 5}, thread="worker-3")
    first, second = flamegraph.stacks("shop", merged(), 10)
    assert (first.thread, [frame.name for frame in first.frames], first.count) == (
        "worker-3",
        ["main", "b"],
        5,
    )
    assert second.count == 1
    assert len(flamegraph.stacks("shop", merged(), 1)) == 1


def test_stacks_of_a_lost_dictionary_are_left_out(put_profile):
    put_profile(START, {("main", "a"): 1, ("main", "b"): 5})
    found = merged()
    Service.objects.get(name="shop").stacks.filter(number=1).delete()
    Service.objects.filter(name="shop").update(first_seen_at="2026-01-01T00:00:00Z")
    assert flamegraph.build("shop", found).total[0] in (1, 5)


NAMES = st.sampled_from("abcdef")
PATHS = st.lists(NAMES, min_size=1, max_size=7).map(tuple)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(PATHS, st.integers(1, 50), min_size=1, max_size=8), min_size=1, max_size=4))
def test_flame_graph_and_top_list_equal_a_naive_reference(put_profile, rounds):
    service = f"shop-{Service.objects.count()}"
    everything: Counter[tuple[str, ...]] = Counter()
    for counts in rounds:  # the tree is built at the first and extended at every further round
        put_profile(START, counts, service=service)
        everything.update(counts)
        found = merged(service)
        totals: Counter[tuple[str, ...]] = Counter()
        function_total: Counter[str] = Counter()
        function_self: Counter[str] = Counter()
        for path, number in everything.items():
            for depth in range(len(path) + 1):
                totals[path[:depth]] += number
            function_self[path[-1]] += number
            for name in set(path):
                function_total[name] += number
        expected = {path: (number, everything.get(path, 0)) for path, number in totals.items()}
        assert tree_of(flamegraph.build(service, found, cut=0)) == expected
        rows = flamegraph.top(service, found)
        assert {row.name: (row.self, row.total) for row in rows} == {
            name: (function_self[name], number) for name, number in function_total.items()
        }
