"""From the store's last hours to rows that say how long each resource lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from diagnose.correlate import engine, history, load
from diagnose.findings import outlook
from diagnose.models import Host, ResourceForecast
from diagnose.store import backend
from diagnose.store.rows import BatchKey, MetricBatch, PointColumns
from diagnose.store.serieskeys import key_of, series_numbers

NOW = datetime.now(UTC)


@pytest.fixture
def hours(host, data_dir):
    """Stores a reading every half minute that goes evenly from one level to another, until now."""
    batches = iter(range(1, 100))

    def put(metric: str, start: float, end: float, hours: float = 3.0, **labels: str) -> None:
        (number,) = series_numbers(host, [key_of(metric, labels)], [False])
        count = int(hours * 120)
        times = int(NOW.timestamp()) * 10**9 - np.arange(count, dtype=np.int64)[::-1] * 30 * 10**9
        values = np.linspace(start, end, count) + np.random.default_rng(2).normal(0, 1, count)
        columns = PointColumns(np.full(count, number, np.uint32), times, values)
        backend.metric_store().append([MetricBatch(BatchKey(host.pk, "o" * 16, next(batches)), columns)])

    return put


def test_what_fills_is_told_with_its_time_and_what_is_steady_is_not(host, hours):
    hours("nf_conntrack_entries", 30_000, 60_000)
    hours("nf_conntrack_entries_limit", 65_536, 65_536)
    hours("tasks", 5_000, 5_000)
    hours("tasks_limit", 30_000, 30_000)
    hours("filefd_allocated", 10, 90)
    hours("filefd_maximum", 1e6, 1e6)
    outlook.look_ahead_of(host, NOW)
    first, second = outlook.of_host(host.pk)
    assert (first.resource, first.state) == ("conntrack", "fills")
    assert first.seconds == pytest.approx((65_536 - 60_000) / (30_000 / (3 * 3600)), rel=0.1)
    assert first.soonest <= first.seconds <= first.latest
    assert (second.resource, second.state, second.seconds) == ("tasks", "steady", None)


def test_rows_are_made_anew_and_not_piled_up(host, hours):
    hours("tasks", 5_000, 5_000)
    hours("tasks_limit", 30_000, 30_000)
    for _ in range(2):
        outlook.look_ahead_of(host, NOW)
    assert ResourceForecast.objects.count() == 1


def test_a_host_that_is_silent_is_left_as_it_was(host, hours):
    hours("tasks", 5_000, 5_000)
    hours("tasks_limit", 30_000, 30_000)
    Host.objects.update(last_seen_at=NOW - timedelta(hours=1))
    outlook.look_ahead(NOW)
    assert not ResourceForecast.objects.exists()


def test_an_evaluation_takes_what_will_be_full_soon_for_a_finding(host, hours):
    hours("nf_conntrack_entries", 30_000, 60_000)
    hours("nf_conntrack_entries_limit", 65_536, 65_536)
    outlook.look_ahead_of(host, NOW)
    samples = load.window(host, NOW - timedelta(minutes=2), NOW)
    (found,) = [each for each in engine.evaluate(samples).judgements if each.rule == "network.conntrack_full"]
    assert found.verdict.forecast


def test_a_forecast_that_was_not_renewed_counts_no_more(host, hours):
    hours("nf_conntrack_entries", 30_000, 60_000)
    hours("nf_conntrack_entries_limit", 65_536, 65_536)
    outlook.look_ahead_of(host, NOW)
    assert history.outlooks(host.pk, NOW)
    assert history.outlooks(host.pk, NOW + timedelta(minutes=6)) == ()


def test_a_host_without_readings_has_none(host, data_dir):
    outlook.look_ahead_of(host, NOW)
    assert outlook.of_host(host.pk) == []
