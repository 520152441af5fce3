"""Retention: whole days go, by class; raw before captures before rollups, today never."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from diagnose.models import Capture, DroppedDay, HostEvent
from diagnose.store import days, profiles, retention, usage
from diagnose.store.classes import CLASSES
from diagnose.store.profiles import Selector

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
NOW = time.time_ns()


@pytest.fixture
def limits(settings):
    def set_limits(**values: int) -> None:
        settings.CONFIG = {**settings.CONFIG, **values}

    return set_limits


def day(back: int) -> str:
    return days.day_of(NOW - back * DAY_NS)


def stored_bytes(*kinds) -> int:
    return sum(sum(days.sizes_bytes(kind).values()) for kind in kinds)


def merged(**selected):
    return profiles.merge(Selector("shop", "cpu", **selected), NOW - 9 * DAY_NS, NOW + 1).counts.sum()


def test_each_class_goes_when_its_own_time_is_over_and_profiles_leave_their_rollups(put_profile, limits):
    put_profile(NOW - 6 * DAY_NS, {("main",): 5})
    put_profile(NOW - 6 * DAY_NS, {("main",): 50}, capture_id="01J")
    put_profile(NOW - 2 * DAY_NS, {("main",): 1})
    limits(RETENTION_PROFILE_DAYS=3, RETENTION_POINT_DAYS=1)
    retention.retain(NOW)
    assert days.stored_days("profiles") == [day(2)]
    assert days.stored_days("points") == []
    assert days.stored_days("captures") == [day(6), day(2)]
    assert (merged(), merged(capture_id="01J")) == (6, 50)


def test_rollups_past_their_retention_go_too(put_profile, limits):
    put_profile(NOW - 6 * DAY_NS, {("main",): 5})
    limits(
        RETENTION_PROFILE_DAYS=1, RETENTION_POINT_DAYS=1, RETENTION_CAPTURE_DAYS=2, RETENTION_ROLLUP_DAYS=3
    )
    retention.retain(NOW)
    assert [days.stored_days(each.kind) for each in CLASSES] == [[], [], [], []]


def test_data_older_than_the_retention_is_not_taken(put_profile, limits):
    limits(RETENTION_PROFILE_DAYS=2)
    put_profile(NOW - 3 * DAY_NS, {("main",): 5})
    assert days.stored_days("profiles") == []


def test_late_data_of_one_class_does_not_bring_back_another_that_is_gone(put_profile, limits):
    put_profile(NOW - 3 * DAY_NS, {("main",): 5})
    limits(RETENTION_PROFILE_DAYS=2)
    retention.retain(NOW)
    put_profile(NOW - 3 * DAY_NS, {("main",): 9}, capture_id="01J")
    assert days.stored_days("profiles") == []
    assert merged() == 5


def test_over_the_disk_budget_raw_days_go_oldest_first_then_captures_then_rollups_and_today_stays(
    put_profile, limits
):
    for back in (3, 2, 1, 0):
        put_profile(NOW - back * DAY_NS, {("main",): 1})
        put_profile(NOW - back * DAY_NS, {("main",): 1}, capture_id="01J")
    gone: list[tuple[str, str]] = []
    while len(gone) < 6:
        before = {(each.kind, day) for each in CLASSES for day in days.stored_days(each.kind)}
        limits(DISK_BUDGET=stored_bytes(*(each.kind for each in CLASSES)) - 1)
        retention.retain(NOW)
        after = {(each.kind, day) for each in CLASSES for day in days.stored_days(each.kind)}
        gone += sorted(before - after, reverse=True)
    assert gone == [(kind, day(back)) for back in (3, 2, 1) for kind in ("profiles", "points")]
    assert days.stored_days("captures") == [day(3), day(2), day(1), day(0)]
    assert days.stored_days("rollup") == [day(3), day(2), day(1)]
    limits(DISK_BUDGET=1)
    retention.retain(NOW)
    assert days.stored_days("captures") == [day(0)]
    assert days.stored_days("rollup") == []


def test_what_went_is_written_down_with_its_reason(put_profile, limits):
    put_profile(NOW - 2 * DAY_NS, {("main",): 1})
    put_profile(NOW - 1 * DAY_NS, {("main",): 1})
    limits(RETENTION_PROFILE_DAYS=1)
    retention.retain(NOW)
    limits(DISK_BUDGET=1)
    retention.retain(NOW)
    retention.retain(NOW)
    found = [(row.kind, row.day, row.reason) for row in DroppedDay.objects.filter(kind="profiles")]
    expected = [("budget", 1), ("age", 2)]
    assert found == [("profiles", date.fromisoformat(day(back)), reason) for reason, back in expected]
    assert DroppedDay.objects.get(kind="profiles", reason="age").bytes > 10_000


def test_a_nearly_full_disk_takes_the_oldest_raw_day_at_a_time_and_never_rollups(
    put_profile, limits, nearly_full
):
    if not usage.is_on_this_disk():
        pytest.skip("a server's own disk cannot be seen from here")
    for back in (2, 1, 0):
        put_profile(NOW - back * DAY_NS, {("main",): 1})
    with nearly_full():
        retention.retain(NOW)
        assert days.stored_days("profiles") == days.stored_days("points") == [day(1), day(0)]
        for _ in range(5):
            retention.retain(NOW)
    assert days.stored_days("profiles") == days.stored_days("points") == [day(0)]
    assert days.stored_days("rollup") == [day(2), day(1)]
    assert days.stored_days("captures") == [day(2), day(1), day(0)]
    assert {row.reason for row in DroppedDay.objects.all()} == {"disk"}
    assert merged() == 3


def test_history_past_its_retention_goes_and_captures_with_their_profiles(host, data_dir, limits):
    limits(RETENTION_HISTORY_DAYS=3, RETENTION_CAPTURE_DAYS=3)
    for back in (5, 1):
        at = datetime.fromtimestamp(NOW / 1e9, UTC) - timedelta(days=back)
        HostEvent.objects.create(host=host, kind=f"{back} days ago", at=at)
        Capture.objects.create(host=host, seconds=1, hz=99, reason=f"{back} days ago", ended_at=at)
    Capture.objects.create(host=host, seconds=1, hz=99, reason="has not ended")
    retention.retain(NOW)
    assert [event.kind for event in HostEvent.objects.all()] == ["1 days ago"]
    assert {capture.reason for capture in Capture.objects.all()} == {"1 days ago", "has not ended"}
