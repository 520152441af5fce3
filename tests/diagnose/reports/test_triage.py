"""Triage out of the store, and as bars."""

import time

import pytest

from diagnose.correlate.triage import STATES
from diagnose.reports import triage
from tests.diagnose.store.conftest import put_points  # noqa: F401

NOW_NS = time.time_ns()
TIMES = [NOW_NS - second * 10**9 for second in range(50, -1, -10)]


def test_means_over_the_range_become_shares(host, put_points):  # noqa: F811
    put_points("service_threads_waiting", TIMES, [2.0] * 6, service="shop", wait="running")
    put_points("service_threads_waiting", TIMES, [4.0, 8.0] * 3, service="shop", wait="poll")
    put_points("service_run_seconds_total", TIMES, [10.0] * 6, counter=True, service="shop")
    put_points("service_run_delay_seconds_total", TIMES, [10.0] * 6, counter=True, service="shop")
    (found,) = triage.of_host(host.pk, NOW_NS - 60 * 10**9, NOW_NS + 1)
    assert found.threads == pytest.approx(8.0, abs=0.7)
    assert found.shares["on_cpu"] == pytest.approx(0.125, abs=0.02)
    assert found.shares["waiting_for_cpu"] == pytest.approx(0.125, abs=0.02)


def test_a_host_without_readings_has_none(host, data_dir):
    assert triage.of_host(host.pk, NOW_NS - 60 * 10**9, NOW_NS) == ()


def test_a_bar_is_whole_and_in_the_order_of_its_legend(host, put_points):  # noqa: F811
    put_points("service_threads_waiting", TIMES, [3.0] * 6, service="shop", wait="file")
    put_points("service_threads_waiting", TIMES, [1.0] * 6, service="shop", wait="accept")
    (bar,) = triage.bars(triage.of_host(host.pk, NOW_NS - 60 * 10**9, NOW_NS + 1))
    assert [part.state for part in bar.parts] == list(STATES)
    assert bar.heaviest.words == "waiting for a disk"
    assert bar.parts[-1].left + bar.parts[-1].width == pytest.approx(100)
