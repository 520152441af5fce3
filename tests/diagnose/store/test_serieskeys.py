"""Numbers of series: forgotten when no day holds them, and never under the hands of a writer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from diagnose.models import Host, Series
from diagnose.store import backend, days, retention, rollup, series, serieskeys
from diagnose.store.blob import CorruptBlob
from diagnose.store.rows import DAY_NS

NOW = datetime.now(UTC)
LATER = NOW + serieskeys.RETIRED_FOR + timedelta(minutes=1)
DAY = (int(NOW.timestamp()) * 10**9 // DAY_NS - 2) * DAY_NS


@pytest.fixture(autouse=True)
def _nothing_remembered():
    serieskeys._known.clear()


def number(host: Host, metric: str) -> int:
    return serieskeys.series_numbers(host, [serieskeys.key_of(metric, {})], [False])[0]


def test_a_series_without_data_is_retired_first_and_forgotten_two_days_later(host):
    kept, gone = number(host, "load1"), number(host, "gone")
    assert serieskeys.forget_unused({kept}, NOW) == 0
    assert Series.objects.get(pk=gone).retired_at == NOW
    assert serieskeys.forget_unused({kept}, NOW + timedelta(days=1)) == 0
    assert Series.objects.get(pk=gone).retired_at == NOW
    assert serieskeys.forget_unused({kept}, LATER) == 1
    assert list(Series.objects.values_list("pk", flat=True)) == [kept]


def test_a_series_that_has_data_again_is_taken_back(host):
    one = number(host, "load1")
    serieskeys.forget_unused(set(), NOW)
    assert serieskeys.forget_unused({one}, LATER) == 0
    assert Series.objects.get(pk=one).retired_at is None


def test_a_writer_takes_back_what_it_looks_up_and_looks_up_again_after_an_hour(
    host, monkeypatch, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        one = number(host, "load1")
    serieskeys.forget_unused(set(), NOW)
    assert number(host, "load1") == one
    assert Series.objects.get(pk=one).retired_at == NOW  # remembered: not looked up
    monkeypatch.setattr(serieskeys, "REMEMBERED_SECONDS", -1.0)
    assert number(host, "load1") == one
    assert Series.objects.get(pk=one).retired_at is None
    assert serieskeys.forget_unused(set(), LATER) == 0


def test_a_series_that_was_forgotten_is_made_anew_with_another_number(host):
    one = number(host, "load1")
    serieskeys.forget_unused(set(), NOW)
    serieskeys.forget_unused(set(), LATER)
    serieskeys._known.clear()
    assert number(host, "load1") > one
    assert Series.objects.get().retired_at is None


def test_the_days_know_which_series_they_hold(put_points, host):
    put_points("load1", [DAY], [1.0])
    put_points("load5", [DAY + DAY_NS], [1.0])
    rollup.roll_up()
    held = {ref.id for metric in ("load1", "load5") for ref in series.find((), metric)}
    assert backend.metric_store().series_in_use() == held
    days.drop(days.day_of(DAY), "points")
    assert backend.metric_store().series_in_use() == held
    days.drop(days.day_of(DAY), "rollup")
    assert backend.metric_store().series_in_use() == {ref.id for ref in series.find((), "load5")}


def test_retention_forgets_series_with_the_last_day_that_held_them(put_points, settings):
    put_points("gone", [DAY], [1.0])
    put_points("load1", [DAY, DAY + 2 * DAY_NS], [1.0, 1.0])
    rollup.roll_up(DAY + 3 * DAY_NS)
    settings.CONFIG = {**settings.CONFIG, "RETENTION_POINT_DAYS": 1, "RETENTION_ROLLUP_DAYS": 1}
    retention.retain(DAY + DAY_NS)
    assert not Series.objects.exclude(retired_at=None).exists()
    retention.retain(DAY + 2 * DAY_NS)
    assert {row.metric: row.retired_at is None for row in Series.objects.all()} == {
        "gone": False,
        "load1": True,
    }


def test_while_a_list_of_series_is_corrupt_none_is_forgotten(put_points, settings):
    put_points("load1", [DAY, DAY + DAY_NS], [1.0, 1.0])
    rollup.roll_up()
    with days.writing(days.day_of(DAY + DAY_NS), "points") as file:
        file.sql.execute("UPDATE sealed SET series = ?", (b"\x00\x01",))
    with pytest.raises(CorruptBlob):
        backend.metric_store().series_in_use()
    settings.CONFIG = {**settings.CONFIG, "RETENTION_POINT_DAYS": 1, "RETENTION_ROLLUP_DAYS": 1}
    retention.retain()
    assert Series.objects.get().retired_at is None
