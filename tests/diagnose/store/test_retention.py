"""Retention: whole days go, raw before rollups, today never."""

from __future__ import annotations

import time

import pytest

from diagnose.models import HostEvent
from diagnose.store import days, profiles, retention
from diagnose.store.profiles import Selector

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
NOW = time.time_ns()


@pytest.fixture
def limits(settings):
    def set_limits(**values: int) -> None:
        settings.CONFIG = {**settings.CONFIG, **values}

    return set_limits


def test_raw_days_past_their_retention_go_and_leave_their_rollups(put_profile, limits):
    limits(RETENTION_RAW_DAYS=7)
    old, kept = NOW - 6 * DAY_NS, NOW - 2 * DAY_NS
    put_profile(old, {("main",): 5})
    put_profile(kept, {("main",): 1})
    limits(RETENTION_RAW_DAYS=3)
    retention.retain(NOW)
    assert days.stored_days("raw") == [days.day_of(kept)]
    merged = profiles.merge(Selector("shop", "cpu"), NOW - 7 * DAY_NS, NOW)
    assert merged.counts.sum() == 6


def test_rollups_past_their_retention_go_too(put_profile, limits):
    put_profile(NOW - 6 * DAY_NS, {("main",): 5})
    limits(RETENTION_RAW_DAYS=1, RETENTION_ROLLUP_DAYS=3)
    retention.retain(NOW)
    assert days.stored_days("raw") == days.stored_days("rollup") == []


def test_data_older_than_the_retention_is_not_taken(put_profile, limits):
    limits(RETENTION_RAW_DAYS=2)
    put_profile(NOW - 3 * DAY_NS, {("main",): 5})
    assert days.stored_days("raw") == []


def test_over_the_disk_budget_the_oldest_raw_day_goes_first_and_today_stays(put_profile, limits):
    for back in (3, 2, 1, 0):
        put_profile(NOW - back * DAY_NS, {("main",): 1})
    limits(DISK_BUDGET=sum(days.size_bytes(day, "raw") for day in days.stored_days("raw")) - 1)
    retention.retain(NOW)
    assert days.stored_days("raw") == [days.day_of(NOW - back * DAY_NS) for back in (2, 1, 0)]
    limits(DISK_BUDGET=1)
    retention.retain(NOW)
    assert days.stored_days("raw") == [days.day_of(NOW)]
    assert days.stored_days("rollup") == []


def test_events_past_their_retention_go(host, data_dir, limits):
    limits(RETENTION_ROLLUP_DAYS=3)
    for back in (5, 1):
        at = f"{days.day_of(NOW - back * DAY_NS)}T00:00:00Z"
        HostEvent.objects.create(host=host, kind=f"{back} days ago", at=at)
    retention.retain(NOW)
    assert [event.kind for event in HostEvent.objects.all()] == ["1 days ago"]
