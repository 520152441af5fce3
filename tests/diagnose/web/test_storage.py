"""The Storage page: what is kept, for how long, and when the room for it ends."""

from datetime import UTC, date, datetime, timedelta

import pytest

from diagnose.models import DroppedDay, Host, IngestGap, QuarantinedBatch
from diagnose.reports.storage import storage
from diagnose.store.classes import CLASSES
from tests.diagnose.reports.charts.lines import checked

pytestmark = pytest.mark.usefixtures("valkey")
MB = 10**6
RAW, ROLLUP = CLASSES[0].kind, CLASSES[-1].kind


def text(client):
    return " ".join(client.get("/storage").content.decode().split())


def test_an_empty_installation_says_so_and_has_no_forecast(seen, data_dir):
    shown = text(seen)
    assert "Nothing is stored yet" in shown
    assert "It fills with the first collector" in shown


def test_a_steady_load_within_its_retention_is_no_trouble(seen, stored_days):
    stored_days(RAW, [50 * MB] * 8)
    shown = text(seen)
    assert "Retention keeps telemetry at about 334 MiB" in shown
    assert "Nothing has to be done" in shown
    assert "47.7 MiB" in shown


def test_a_budget_that_will_be_reached_is_told_with_the_days_and_what_happens(seen, stored_days, settings):
    settings.CONFIG = settings.CONFIG | {"DISK_BUDGET": 500 * MB, CLASSES[0].setting: 30}
    stored_days(RAW, [50 * MB, 40 * MB, 50 * MB, 60 * MB, 50 * MB, 45 * MB])
    shown = text(seen)
    assert "DISK_BUDGET (477 MiB) is reached in 5 days (4–6) at the present rate" in shown
    assert "the oldest day of raw data goes for each new one" in shown


def test_a_full_disk_is_said_first_with_what_to_do(seen, stored_days, nearly_full):
    stored_days(RAW, [50 * MB] * 3)
    with nearly_full():
        shown = text(seen)
    assert "The disk is full: nothing new is stored" in shown
    assert "free some space here" in shown


def test_a_disk_smaller_than_the_budget_is_warned_of(seen, stored_days, nearly_full, settings):
    settings.CONFIG = settings.CONFIG | {CLASSES[0].setting: 30}
    stored_days(RAW, [100 * MB] * 6)
    with nearly_full(1_500 * MB):
        shown = text(seen)
    assert "The disk is full in 10 days at the present rate" in shown
    assert "lower DISK_BUDGET" in shown


def test_what_was_dropped_and_why_is_listed(seen, data_dir):
    DroppedDay.objects.create(kind=RAW, day=date(2026, 11, 12), bytes=900 * MB, reason="budget")
    DroppedDay.objects.create(kind=RAW, day=date(2026, 11, 11), bytes=900 * MB, reason="budget")
    shown = text(seen)
    assert f"{CLASSES[0].title} of 12 Nov 2026 (858 MiB), to stay within DISK_BUDGET" in shown
    assert "Before their time: profiles up to 12 Nov 2026, to stay within DISK_BUDGET." in shown


def test_batches_that_were_not_stored_lead_to_the_hosts(seen, host, data_dir):
    QuarantinedBatch.objects.create(host=host, error="wire version 99", payload=b"")
    IngestGap.objects.create(host=host, epoch="e", first_seq=3, last_seq=5)
    shown = text(seen)
    assert '<a href="/hosts">4 batches</a>' in shown
    assert "1 unreadable (in quarantine), 3 lost before they came" in shown


def test_a_queue_that_is_away_is_said_instead_of_failing(seen, data_dir, settings, monkeypatch):
    from diagnose import queue

    monkeypatch.setattr(queue, "client", lambda: queue.redis.Redis(unix_socket_path="/nowhere/valkey.sock"))
    assert "collectors keep their data until it is back" in text(seen)


def test_the_chart_has_a_bar_for_each_day_and_class(seen, stored_days):
    stored_days(RAW, [3 * MB, 2 * MB])
    stored_days(ROLLUP, [1 * MB])
    figure = seen.get("/storage/chart").json()["charts"]["stored"]
    bars = {trace.name: list(trace.y) for trace in checked(figure).data}
    assert bars[CLASSES[0].title] == [2 * MB, 3 * MB, 0]
    assert bars[CLASSES[-1].title] == [0, 1 * MB, 0]


def test_an_hour_after_the_first_host_came_its_growth_is_told(host, stored_days):
    now = datetime.now(UTC).replace(hour=20)
    Host.objects.update(enrolled_at=now - timedelta(hours=2))
    stored_days(RAW, [], today=10 * MB)
    found = storage(now)
    assert found.classes[0].rate.median == pytest.approx(120 * MB)


@pytest.mark.parametrize("path", ["/", "/hosts", "/findings"])
def test_every_page_says_that_nothing_is_stored_while_the_disk_is_full(seen, data_dir, nearly_full, path):
    with nearly_full():
        assert "nothing new is stored or judged" in seen.get(path).content.decode()
    assert "nothing new is stored or judged" not in seen.get(path).content.decode()
