"""Seconds against offsets, and flame graphs of a part of them."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose.models import Host
from diagnose.store import flamegraph, heatmap
from diagnose.store.profiles import Selector
from diagnose.store.rows import Offsets

SECOND = 10**9
MS = 10**6
# A whole second, so that offsets of the profile are those within the seconds.
START = time.time_ns() // SECOND * SECOND - 600 * SECOND
SHOP = Selector("shop", "cpu")


def offsets(*samples: tuple[int, int, int]) -> Offsets:
    """Of stack, offset and count; the stacks of a first profile are numbered in the order of its counts."""
    columns = np.array(sorted(samples), np.int64).reshape(-1, 3).T
    return Offsets(columns[0].astype(np.uint32), columns[1].astype(np.uint32), columns[2])


@pytest.fixture
def two_functions(put_profile) -> None:
    """`a` runs for the first 100 ms of each of three seconds, `b` for the last 10 ms of the second one."""
    ticks = [(0, 1000 * second + 10 * tick, 1) for second in range(3) for tick in range(10)]
    times = offsets(*ticks, (1, 1990, 4))
    put_profile(START, {("main", "a"): 30, ("main", "b"): 4}, seconds=3, offsets=times)


def self_counts(merged) -> dict[str, int]:
    return {row.name: row.self for row in flamegraph.top("shop", merged) if row.self}


def test_each_sample_is_in_its_second_and_row(two_functions):
    found = heatmap.build(SHOP, START, START + 3 * SECOND, rows=10)
    assert found.start_second == START // SECOND
    assert found.counts.tolist() == [[10, *[0] * 9], [10, *[0] * 8, 4], [10, *[0] * 9]]
    assert (found.profiles, found.untimed) == (1, 0)
    assert found.as_json()["most"] == 10


def test_a_region_becomes_a_profile_of_what_ran_in_it(two_functions):
    late = [(START + n * SECOND + 900 * MS, START + (n + 1) * SECOND) for n in range(3)]
    assert self_counts(heatmap.region(SHOP, late)) == {"b": 4}
    early = heatmap.region(SHOP, [(START, START + 50 * MS), (START + 20 * MS, START + 80 * MS)])
    assert self_counts(early) == {"a": 8}
    assert (early.seconds, early.period_ns, early.unit) == (0.08, 10_000_000, "samples")


def test_all_seconds_together_are_the_whole_profile(two_functions):
    whole = heatmap.region(SHOP, [(START, START + 3 * SECOND)])
    assert self_counts(whole) == {"a": 30, "b": 4}
    assert whole.seconds == 3


def test_a_profile_that_began_earlier_counts_where_it_overlaps(two_functions):
    found = heatmap.build(SHOP, START + SECOND + 50 * MS, START + 2 * SECOND, rows=10)
    assert found.counts.tolist() == [[5, *[0] * 8, 4]]


def test_profiles_without_sample_times_are_said_not_guessed(put_profile):
    put_profile(START, {("main",): 5})
    with pytest.raises(heatmap.NoSampleTimes, match="None of the 1 cpu profiles of 'shop'"):
        heatmap.build(SHOP, START, START + 5 * SECOND)
    with pytest.raises(heatmap.NoSampleTimes):
        heatmap.region(SHOP, [(START, START + SECOND)])


def test_some_profiles_with_times_are_shown_and_the_others_counted(put_profile, two_functions):
    put_profile(START, {("main", "a"): 5})
    found = heatmap.build(SHOP, START, START + SECOND)
    assert (int(found.counts.sum()), found.profiles, found.untimed) == (10, 1, 1)


def test_where_nothing_was_profiled_the_map_is_empty(db, data_dir):
    found = heatmap.build(SHOP, START, START + 2 * SECOND)
    assert (found.counts.shape, int(found.counts.sum()), found.untimed) == ((2, 50), 0, 0)
    assert heatmap.region(SHOP, [(START, START + SECOND)]).profiles == 0


def test_host_labels_thread_and_capture_select(put_profile, host):
    other = Host.objects.create(identity="f" * 32, name="web-2")
    put_profile(START, {("main",): 1}, offsets=offsets((0, 5, 1)), labels={"pid": "1"}, thread="A")
    put_profile(START, {("main",): 2}, offsets=offsets((0, 5, 2)), host_id=other.pk, thread="A")
    put_profile(START, {("main",): 4}, offsets=offsets((1, 5, 4)), thread="B")
    put_profile(START, {("main",): 8}, offsets=offsets((0, 5, 8)), capture_id="01J", thread="A")

    def total(**fields) -> int:
        return int(heatmap.build(Selector("shop", "cpu", **fields), START, START + SECOND).counts.sum())

    assert total() == 7
    assert total(host_ids=(other.pk,)) == 2
    assert total(labels={"pid": "1"}) == 1
    assert total(thread="B") == 4
    assert total(thread="nobody") == 0
    assert total(capture_id="01J") == 8


def test_samples_of_two_rates_weigh_as_long_as_they_stand_for(put_profile):
    put_profile(START, {("a",): 20}, offsets=offsets((0, 5, 20)), period_ns=10_000_000)
    put_profile(START, {("a",): 10, ("b",): 2}, offsets=offsets((1, 5, 2)), period_ns=100_000_000)
    found = heatmap.region(SHOP, [(START, START + SECOND)])
    assert self_counts(found) == {"a": 11, "b": 11}
    assert found.counts.sum() * found.period_ns == pytest.approx(400_000_000, rel=0.01)


TIMES = st.lists(st.tuples(st.integers(0, 4_000), st.integers(1, 5)), min_size=1, max_size=30)
REGIONS = st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 2_000)), min_size=1, max_size=5)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TIMES, REGIONS)
def test_a_region_holds_exactly_the_samples_within(put_profile, times, regions):
    from diagnose.models import Service

    service = f"timed-{Service.objects.count()}"
    taken: dict[int, int] = {}
    for offset, count in times:
        taken[offset] = taken.get(offset, 0) + count
    samples = offsets(*((0, offset, count) for offset, count in taken.items()))
    put_profile(START, {("a",): sum(taken.values())}, service=service, seconds=5, offsets=samples)
    intervals = [(START + begin * MS, START + (begin + length) * MS) for begin, length in regions]
    inside = sum(
        count
        for offset, count in taken.items()
        if any(begin <= offset < begin + length for begin, length in regions)
    )
    assert int(heatmap.region(Selector(service, "cpu"), intervals).counts.sum()) == inside
