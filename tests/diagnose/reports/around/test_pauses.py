"""Pauses of a service against its requests, out of the store."""

from __future__ import annotations

import numpy as np
import pytest

from collectors.histograms import bucket_of
from diagnose.models import Finding
from diagnose.reports.around.pauses import attributions
from diagnose.store import backend
from diagnose.store.rows import BatchKey, HistogramRow, MetricBatch, PointColumns
from diagnose.store.serieskeys import key_of, series_numbers

# Of half an hour by ten seconds, every fifteenth.
PLACES = 180
SLOW = [place % 15 == 5 for place in range(PLACES)]


@pytest.fixture
def requests(host, finding):
    """A hundred requests in ten seconds, of which ten are slow every now and then."""
    labels = {"service": "shop", "listener": "0.0.0.0:80"}
    (number,) = series_numbers(host, [key_of("http_server_seconds", labels)], [False])
    now_ns = int(finding.last_seen_at.timestamp()) * 10**9
    fast, slow = (bucket_of("loglin20", seconds) for seconds in (0.01, 0.4))
    rows = [
        HistogramRow(
            number,
            now_ns - (PLACES - place) * 10**10 + 5 * 10**9,
            "loglin20",
            4.9 if SLOW[place] else 1.0,
            np.array([fast, slow], np.uint32),
            np.array([90, 10] if SLOW[place] else [100, 0], np.int64),
        )
        for place in range(PLACES)
    ]
    none = PointColumns(np.zeros(0, np.uint32), np.zeros(0, np.int64), np.zeros(0))
    backend.metric_store().append([MetricBatch(BatchKey(host.pk, "c" * 16, 1), none, rows)])


def pausing(places) -> list[float]:
    return [0.3 if each else 0.0 for each in places]


@pytest.mark.usefixtures("requests")
def test_pauses_that_meet_the_slow_answers_explain_them(finding, put):
    put("cgroup_cpu_throttled_seconds_total", pausing(SLOW), step=10, counter=True, service="shop")
    put("go_gc_pause_seconds_total", pausing(SLOW[7:] + SLOW[:7]), step=10, counter=True, service="shop")
    put("service_run_delay_seconds_total", pausing(SLOW), step=10, counter=True, service="mail")
    (found,) = attributions(finding)
    assert found.metric == "cgroup_cpu_throttled_seconds_total"
    assert found.of == "slow answers (99th percentile)"
    assert found.explained.share > 0.8
    assert found.explained.bad == sum(SLOW)


@pytest.mark.usefixtures("requests")
def test_where_only_some_kinds_of_waits_count_the_others_do_not(finding, put):
    put("service_threads_waiting", pausing(SLOW), step=10, service="shop", wait="receive")
    assert attributions(finding) == []
    put("service_threads_waiting", pausing(SLOW), step=10, service="shop", wait="sync")
    assert [each.pause for each in attributions(finding)] == ["waiting for a disk"]


def test_without_requests_there_is_nothing_to_explain(finding, put):
    put("cgroup_cpu_throttled_seconds_total", pausing(SLOW), step=10, counter=True, service="shop")
    assert attributions(finding) == []


@pytest.mark.usefixtures("requests")
def test_a_finding_of_the_whole_host_has_none(finding, put):
    put("cgroup_cpu_throttled_seconds_total", pausing(SLOW), step=10, counter=True, service="shop")
    Finding.objects.update(service="")
    finding.refresh_from_db()
    assert attributions(finding) == []
