"""What rules see of the store: histograms as their scheme cut them, stacks of those that matter, the day before."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from collectors import wire
from collectors.histograms import bucket_of
from diagnose.correlate import load
from diagnose.correlate.durations import Durations
from diagnose.models import Host
from tests.diagnose.web.recorded import PID, SERVICE, points, send, shop_stacks

WAIT = "dns_seconds"


def test_histograms_are_loaded_with_their_times_and_the_buckets_of_their_scheme(host, valkey, data_dir):
    now_ns = time.time_ns()
    for ago, seconds in ((60, 0.01), (20, 0.4)):
        at, buckets = now_ns - ago * 10**9, {bucket_of("loglin20", seconds): 9}
        send(
            host,
            wire.Histogram(WAIT, {"dst": "10.0.0.2:53"}, at, "loglin20", buckets, 9 * seconds, 9),
            wire.Points("load1", {}, [at], [1.0]),
        )
    end = datetime.now(UTC)
    loaded = load.window(host, end - timedelta(seconds=90), end, [WAIT, "load1"])
    assert loaded is not None
    (found,) = loaded.histograms_of(WAIT)
    assert found.labels == {"dst": "10.0.0.2:53"}
    assert Durations.of([found]).count == 18
    assert Durations.of([found]).sum_seconds == pytest.approx(9 * 0.41)
    earlier = found.between(0, now_ns - 40 * 10**9)
    assert Durations.of([earlier]).quantile(0.5) == pytest.approx(0.01, rel=0.06)


SHOP = {"pid": str(PID), "service": SERVICE}
EVERYTHING = ["process_cpu_seconds_total", "python_active_threads", "http_server_seconds"]


def _window(host, *samples):
    """A window of two minutes that has these, of a process that hardly uses a CPU."""
    send(
        host,
        points("process_cpu_seconds_total", [0.01] * 12, SHOP, counter=True),
        points("python_active_threads", [0.1] * 12, SHOP),
        shop_stacks("wall"),
        *samples,
    )
    end = datetime.now(UTC)
    loaded = load.window(host, end - timedelta(seconds=120), end, EVERYTHING)
    assert loaded is not None
    return loaded


def test_stacks_of_a_process_that_waits_are_read_where_it_answers_requests(host, valkey, data_dir):
    assert _window(host).profiles == ()
    answered = wire.Histogram(
        "http_server_seconds", {"service": SERVICE}, time.time_ns(), "loglin20", {200: 4}, 1.0, 4
    )
    assert [each.type for each in _window(host, answered).profiles] == ["wall"]


def test_a_busy_service_is_compared_with_its_day_before_by_own_function(host, valkey, data_dir):
    send(host, shop_stacks("cpu", end_ns=time.time_ns() - 2 * 3600 * 10**9))
    assert _window(host).baselines == ()
    (baseline,) = _window(host, points("process_cpu_seconds_total", [4.0] * 12, SHOP, counter=True)).baselines
    assert baseline.service == SERVICE
    assert baseline.count > 50
    assert all(len(stack.frames) == 1 for stack in baseline.stacks)


def test_a_host_without_a_past_is_compared_with_others_that_run_the_service(host, valkey, data_dir):
    other = Host.objects.create(name="other", identity="f" * 32)
    send(other, shop_stacks("cpu", end_ns=time.time_ns() - 2 * 3600 * 10**9))
    (baseline,) = _window(host, points("process_cpu_seconds_total", [4.0] * 12, SHOP, counter=True)).baselines
    assert baseline.count > 50
