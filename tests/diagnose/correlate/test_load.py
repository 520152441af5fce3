"""What rules see of the store: histograms as their scheme cut them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from collectors import wire
from collectors.histograms import bucket_of
from diagnose.correlate import load
from diagnose.correlate.durations import Durations
from tests.diagnose.web.recorded import send

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
