"""One function's share, slice by slice."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose.store import profiles, rollup, shares
from diagnose.store.profiles import Selector
from tests.diagnose.store.drawn import COUNTS
from tests.diagnose.store.test_profiles import DAY, HOUR_NS

SECOND = 10**9
SHOP = Selector("shop", "cpu")


def test_each_slice_has_the_function_s_own_and_total_share(put_profile):
    put_profile(DAY, {("main", "f", "g"): 3, ("main",): 1})
    put_profile(DAY + 20 * SECOND, {("main", "f"): 1, ("f", "f"): 1})
    found = shares.of_function(SHOP, "f", "", DAY, DAY + 30 * SECOND, slices=3)
    assert found.starts_ns == [DAY, DAY + 10 * SECOND, DAY + 20 * SECOND]
    assert (found.samples, found.self, found.total) == ([4, 0, 2], [0.0, None, 1.0], [0.75, None, 1.0])


def test_a_function_that_was_never_seen_has_no_share(put_profile):
    put_profile(DAY, {("main",): 1})
    assert shares.of_function(SHOP, "f", "", DAY, DAY + 10 * SECOND, 1).total == [0.0]
    assert shares.of_function(SHOP, "main", "other.py", DAY, DAY + 10 * SECOND, 1).total == [0.0]


def test_a_service_that_was_never_seen_has_no_samples(db, data_dir):
    found = shares.of_function(SHOP, "f", "", DAY, DAY + 60 * SECOND, 6)
    assert (found.samples, found.total) == ([0] * 6, [None] * 6)


def test_slices_of_a_long_range_are_whole_hours(put_profile):
    put_profile(DAY + HOUR_NS, {("main",): 1})
    rollup.roll_up()
    found = shares.of_function(SHOP, "main", "", DAY + HOUR_NS // 2, DAY + 24 * HOUR_NS, 100)
    assert found.width_ns == HOUR_NS
    assert found.starts_ns[0] == DAY
    assert found.total[:3] == [None, 1.0, None]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 59), COUNTS), max_size=5), st.integers(1, 70))
def test_slices_add_up_to_the_whole(put_profile, written, slices):
    from diagnose.models import Service

    service = f"sliced-{Service.objects.count()}"
    for second, counts in written:
        if counts:
            put_profile(DAY + second * SECOND, counts, service=service)
    selector = Selector(service, "cpu")
    found = shares.of_function(selector, "a", "", DAY, DAY + 60 * SECOND, slices)
    edges = [*found.starts_ns, found.starts_ns[-1] + found.width_ns]
    assert edges[0] <= DAY
    assert edges[-1] >= DAY + 60 * SECOND
    assert {b - a for a, b in pairwise(edges)} == {found.width_ns}
    assert sum(found.samples) == int(profiles.merge(selector, DAY, DAY + 60 * SECOND).counts.sum())
    with_a = sum(n for _, counts in written for path, n in counts.items() if "a" in path)
    in_slices = sum(n * (share or 0) for n, share in zip(found.samples, found.total, strict=True))
    assert abs(in_slices - with_a) < 0.01 * max(1, with_a)
