"""Merging profiles: the same sum whether it comes from raw rows or rollups, whatever came late or broke."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose.models import Host
from diagnose.store import backend, days, flamegraph, labelsets, profiles, rollup
from diagnose.store.profiles import Selector
from diagnose.store.sql import merge, validity
from diagnose.store.sums import add_up

HOUR_NS = 3600 * 10**9
# Midnight a day ago: its hours are over, and its file is within every retention.
DAY = time.time_ns() // (24 * HOUR_NS) * 24 * HOUR_NS - 24 * HOUR_NS


def stack_counts(selector: Selector, start_ns: int, end_ns: int) -> dict[tuple[str, ...], int]:
    """Counts by function names, root first."""
    merged = profiles.merge(selector, start_ns, end_ns)
    found: dict[tuple[str, ...], int] = {}
    for row in flamegraph.stacks(selector.service, merged, 10_000):
        names = tuple(frame.name for frame in row.frames)
        found[names] = found.get(names, 0) + row.count
    return found


SHOP = Selector("shop", "cpu")


def test_profiles_of_a_range_add_up_and_others_stay_out(put_profile):
    put_profile(DAY + HOUR_NS, {("main", "a"): 3, ("main", "b"): 1})
    put_profile(DAY + HOUR_NS + 10**10, {("main", "a"): 4})
    put_profile(DAY + 2 * HOUR_NS, {("main", "a"): 100})
    merged = profiles.merge(SHOP, DAY + HOUR_NS, DAY + 2 * HOUR_NS)
    assert stack_counts(SHOP, DAY + HOUR_NS, DAY + 2 * HOUR_NS) == {("main", "a"): 7, ("main", "b"): 1}
    assert (merged.profiles, merged.seconds, merged.period_ns) == (2, 20.0, 10_000_000)


@pytest.mark.parametrize(("kind", "unit"), [("inuse_space", "bytes"), ("goroutine", "count")])
def test_snapshots_of_a_range_are_their_mean(put_profile, kind, unit):
    for held in (1_000, 3_000, 5_000):
        put_profile(
            DAY + held * 10**6, {("main", "a"): held, ("main", "b"): 7}, type=kind, unit=unit, period_ns=1
        )
    put_profile(DAY + 10**11, {("main", "once"): 2}, type=kind, unit=unit, period_ns=1)
    merged = profiles.merge(Selector("shop", kind), DAY, DAY + HOUR_NS)
    assert stack_counts(Selector("shop", kind), DAY, DAY + HOUR_NS) == {
        ("main", "a"): 2_250,
        ("main", "b"): 5,
        ("main", "once"): 1,  # half of one
    }
    assert (merged.profiles, merged.seconds, merged.period_ns, merged.unit) == (4, 10.0, 1, unit)


def test_an_unknown_service_gives_an_empty_profile_and_an_empty_flame_graph(db, data_dir):
    merged = profiles.merge(Selector("nobody", "cpu"), DAY, DAY + HOUR_NS)
    assert merged.profiles == 0
    assert flamegraph.build("nobody", merged).as_json()["total"] == 0
    assert flamegraph.top("nobody", merged) == []


def test_labels_and_hosts_narrow_the_choice(put_profile, host):
    other = Host.objects.create(identity="f" * 32, name="web-2")
    put_profile(DAY, {("main",): 1}, labels={"pid": "1", "version": "2"})
    put_profile(DAY, {("main",): 10}, labels={"pid": "2"})
    put_profile(DAY, {("main",): 100}, host_id=other.pk)
    span = DAY, DAY + HOUR_NS
    assert stack_counts(SHOP, *span) == {("main",): 111}
    assert stack_counts(Selector("shop", "cpu", (host.pk,)), *span) == {("main",): 11}
    assert stack_counts(Selector("shop", "cpu", labels={"version": "2"}), *span) == {("main",): 1}
    assert stack_counts(Selector("shop", "cpu", labels={"pid": "3"}), *span) == {}


def test_a_thread_selects_its_own_stacks(put_profile):
    put_profile(DAY, {("main", "a"): 3}, thread="MainThread")
    put_profile(DAY, {("main", "a"): 5}, thread="worker-1")
    span = DAY, DAY + HOUR_NS
    assert stack_counts(Selector("shop", "cpu", thread="worker-1"), *span) == {("main", "a"): 5}
    assert stack_counts(Selector("shop", "cpu", thread="worker"), *span) == {}
    assert stack_counts(Selector("nobody", "cpu", thread="worker"), *span) == {}


def test_a_capture_never_pollutes_the_continuous_profiles_nor_their_rollups(put_profile):
    put_profile(DAY, {("main",): 1})
    put_profile(DAY, {("main",): 50}, capture_id="01J")
    rollup.roll_up()
    assert stack_counts(SHOP, DAY, DAY + HOUR_NS) == {("main",): 1}
    assert stack_counts(Selector("shop", "cpu", capture_id="01J"), DAY, DAY + HOUR_NS) == {("main",): 50}
    assert [one.profiles for one in profiles.services((), DAY, DAY + HOUR_NS)] == [1]


def test_samples_of_a_slow_rate_weigh_more_and_still_add_up_to_those_taken(put_profile):
    put_profile(DAY, {("main", "a"): 100}, period_ns=10_000_000)
    put_profile(DAY + 10**10, {("main", "b"): 10}, period_ns=100_000_000)
    merged = profiles.merge(SHOP, DAY, DAY + HOUR_NS)
    assert stack_counts(SHOP, DAY, DAY + HOUR_NS) == {("main", "a"): 55, ("main", "b"): 55}
    assert merged.counts.sum() * merged.period_ns == pytest.approx(2_000_000_000, rel=0.01)


def test_late_data_makes_a_rollup_stale_until_it_is_computed_again(put_profile, host):
    selectors = SHOP, Selector("shop", "cpu", (host.pk,))
    span = DAY + HOUR_NS, DAY + 4 * HOUR_NS
    put_profile(DAY + HOUR_NS, {("main",): 1})
    rollup.roll_up()
    put_profile(DAY + HOUR_NS + 5, {("main",): 2})
    assert [stack_counts(one, *span) for one in selectors] == [{("main",): 3}] * 2
    rollup.roll_up()
    rollup.roll_up()
    assert [stack_counts(one, *span) for one in selectors] == [{("main",): 3}] * 2


def test_rollups_alone_answer_once_the_raw_day_is_gone(put_profile, host):
    put_profile(DAY + HOUR_NS, {("main", "a"): 5})
    put_profile(DAY + 3 * HOUR_NS, {("main", "b"): 2})
    rollup.roll_up()
    days.drop(days.day_of(DAY), "profiles")
    for selector in (SHOP, Selector("shop", "cpu", (host.pk,))):
        assert stack_counts(selector, DAY, DAY + 24 * HOUR_NS) == {("main", "a"): 5, ("main", "b"): 2}
    stored = profiles.services((host.pk,), DAY, DAY + 24 * HOUR_NS)
    assert [(one.service, one.profiles, one.seconds) for one in stored] == [("shop", 2, 20.0)]


def test_late_data_of_a_dropped_day_cannot_replace_its_rollups(put_profile):
    put_profile(DAY, {("main",): 5})
    rollup.roll_up()
    days.drop(days.day_of(DAY), "profiles")
    put_profile(DAY + 1, {("main",): 1})
    assert stack_counts(SHOP, DAY, DAY + HOUR_NS) == {("main",): 5}


def test_a_corrupt_profile_is_left_out_and_counted(put_profile):
    put_profile(DAY, {("main",): 5})
    put_profile(DAY + 1, {("main",): 7})
    with days.writing(days.day_of(DAY), "profiles") as day:
        day.sql.execute("UPDATE profile SET counts = ? WHERE start_ns = ?", (b"\1\2\3\4", DAY))
    merged = profiles.merge(SHOP, DAY, DAY + HOUR_NS)
    assert (merged.counts.tolist(), merged.profiles, merged.corrupt) == ([7], 1, 1)


STACKS = st.sampled_from([("main",), ("main", "a"), ("main", "a", "b"), ("main", "c"), ("idle",)])
PROFILES = st.lists(
    st.tuples(st.integers(0, 6 * 60), st.dictionaries(STACKS, st.integers(1, 1000), min_size=1)), max_size=12
)
MINUTE_NS = 60 * 10**9


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_merge_equals_the_naive_sum_with_and_without_rollups(put_profile, host, data):
    from diagnose.models import Service

    service = f"shop-{Service.objects.count()}"
    written = data.draw(PROFILES)
    cut = data.draw(st.integers(0, len(written)))
    begin, end = sorted(data.draw(st.tuples(st.integers(0, 400), st.integers(0, 400))))
    for minute, counts in written[:cut]:
        put_profile(DAY + minute * MINUTE_NS, counts, service=service)
    rollup.roll_up()
    for minute, counts in written[cut:]:
        put_profile(DAY + minute * MINUTE_NS, counts, service=service)
    expected: dict[tuple[str, ...], int] = {}
    for minute, counts in written:
        if begin <= minute < end:
            for stack, number in counts.items():
                expected[stack] = expected.get(stack, 0) + number
    span = DAY + begin * MINUTE_NS, DAY + end * MINUTE_NS
    for hosts in ((), (host.pk,)):
        assert stack_counts(Selector(service, "cpu", hosts), *span) == expected
    stored = backend.profile_store().stored((host.pk,), *span)
    number = Service.objects.filter(name=service).values_list("pk", flat=True).first()
    assert sum(one.profiles for one in stored if one.service_id == number) == sum(
        begin <= minute < end for minute, _ in written
    )


LABELS = st.fixed_dictionaries({}, optional={"pid": st.sampled_from("123"), "version": st.sampled_from("ab")})
LABELLED = st.lists(
    st.tuples(
        st.integers(0, 200), LABELS, st.booleans(), st.dictionaries(STACKS, st.integers(1, 9), min_size=1)
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_labels_and_hosts_select_the_same_from_sums_and_from_raw_rows(
    put_profile, monkeypatch, host, data
):
    from diagnose.models import Service

    monkeypatch.setattr(labelsets, "_LEAST_PROFILES", 2)
    monkeypatch.setattr(labelsets, "_MOST_SETS", 2)
    other = Host.objects.get_or_create(identity="f" * 32, name="web-2")[0]
    service = f"labelled-{Service.objects.count()}"
    written = data.draw(LABELLED)
    cut = data.draw(st.integers(0, len(written)))
    for number, (minute, labels, second, counts) in enumerate(written):
        if number == cut:
            rollup.roll_up()
        host_id = other.pk if second else host.pk
        put_profile(DAY + minute * MINUTE_NS, counts, service=service, labels=labels, host_id=host_id)
    for wanted in ({}, {"pid": "1"}, {"version": "a"}, {"pid": "1", "version": "a"}):
        for hosts in ((), (host.pk,), (host.pk, other.pk)):
            for span in ((0, 24 * 60), (30, 170)):
                expected: Counter[tuple[str, ...]] = Counter()
                for minute, labels, second, counts in written:
                    chosen = not hosts or (other.pk if second else host.pk) in hosts
                    if chosen and wanted.items() <= labels.items() and span[0] <= minute < span[1]:
                        expected.update(counts)
                selector = Selector(service, "cpu", hosts, wanted)
                found = stack_counts(selector, *(DAY + minute * MINUTE_NS for minute in span))
                assert found == expected, (wanted, hosts, span)


def test_a_service_of_short_lived_processes_keeps_few_sums_and_every_profile(put_profile, host):
    for pid in range(300):
        labels = {"pid": str(pid), "version": "1"}
        put_profile(DAY + pid * 10**10, {("main", f"f{pid % 7}"): 1}, labels=labels)
    rollup.roll_up()
    with days.reading(days.day_of(DAY), "rollup") as sql:
        assert sql.execute("SELECT count(*) FROM profile_rollup").fetchone()[0] == 2
    span = DAY, DAY + HOUR_NS
    for selector in (
        SHOP,
        Selector("shop", "cpu", (host.pk,)),
        Selector("shop", "cpu", labels={"version": "1"}),
    ):
        assert sum(stack_counts(selector, *span).values()) == 300
    assert stack_counts(Selector("shop", "cpu", labels={"pid": "17"}), *span) == {("main", "f3"): 1}
    days.drop(days.day_of(DAY), "profiles")
    assert profiles.merge(Selector("shop", "cpu", labels={"version": "1"}), *span).profiles == 300


def test_labels_still_select_once_the_raw_day_is_gone(put_profile):
    for second in range(20):
        put_profile(DAY + second * 10**9, {("main",): 1}, labels={"pid": "1"})
    put_profile(DAY, {("main",): 100}, labels={"pid": "2"})
    rollup.roll_up()
    days.drop(days.day_of(DAY), "profiles")
    assert stack_counts(Selector("shop", "cpu", labels={"pid": "1"}), DAY, DAY + HOUR_NS) == {("main",): 20}


@pytest.fixture
def finished_day(put_profile, host) -> str:
    """A day of two hosts with profiles in six of its hours, rolled up."""
    other = Host.objects.create(identity="f" * 32, name="web-2")
    for hour in range(6):
        put_profile(DAY + hour * HOUR_NS, {("main", "a"): 1})
        put_profile(DAY + hour * HOUR_NS, {("main", "b"): 10}, host_id=other.pk)
    rollup.roll_up(DAY + 25 * HOUR_NS)
    return days.day_of(DAY)


def test_a_finished_day_is_read_as_one_sum(finished_day, host, monkeypatch):
    parts = []
    monkeypatch.setattr(merge, "add_up", lambda found: parts.append(len(found)) or add_up(found))
    assert stack_counts(SHOP, DAY, DAY + 24 * HOUR_NS) == {("main", "a"): 6, ("main", "b"): 60}
    assert stack_counts(Selector("shop", "cpu", (host.pk,)), DAY, DAY + 24 * HOUR_NS) == {("main", "a"): 6}
    assert parts == [1, 1]


def test_a_stale_day_is_read_from_its_hours_and_hosts_until_it_is_summed_again(
    finished_day, put_profile, monkeypatch
):
    put_profile(DAY + 2 * HOUR_NS + 5, {("main", "a"): 1})
    parts = []
    monkeypatch.setattr(merge, "add_up", lambda found: parts.append(len(found)) or add_up(found))
    expected = {("main", "a"): 7, ("main", "b"): 60}
    assert stack_counts(SHOP, DAY, DAY + 24 * HOUR_NS) == expected
    rollup.roll_up(DAY + 25 * HOUR_NS)
    assert stack_counts(SHOP, DAY, DAY + 24 * HOUR_NS) == expected
    assert parts == [
        5 + 1 + 2,
        1,
    ]  # hours over all hosts, the other host's hour, two raw profiles; then the day


def test_a_day_that_is_not_over_has_no_sum_yet(put_profile):
    for hour in range(6):
        put_profile(DAY + hour * HOUR_NS, {("main", "a"): 1})
    rollup.roll_up(DAY + 23 * HOUR_NS)
    assert validity.days_rolled_up(days.day_of(DAY)) == {}


def test_rolling_up_again_finds_nothing_to_do(finished_day):
    assert backend.profile_store().roll_up(DAY + 25 * HOUR_NS) == 0


def test_profiles_that_began_in_the_last_nanosecond_of_an_hour_count_there(put_profile):
    put_profile(DAY + HOUR_NS - 1, {("main",): 1})
    put_profile(DAY + HOUR_NS, {("main",): 10})
    for _ in range(2):
        assert stack_counts(SHOP, DAY, DAY + HOUR_NS) == {("main",): 1}
        assert stack_counts(SHOP, DAY + HOUR_NS, DAY + 2 * HOUR_NS) == {("main",): 10}
        rollup.roll_up()
