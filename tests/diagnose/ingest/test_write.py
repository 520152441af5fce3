"""The worker's side of ingest: exactly once, whatever comes twice, late, or broken."""

from __future__ import annotations

import time

import pytest

from collectors import wire
from diagnose.ingest import ledger, write
from diagnose.models import Fact, FactChange, Host, HostEvent, IngestGap, ProbeState, QuarantinedBatch
from diagnose.store import flamegraph, profiles, series
from tests.diagnose.ingest.conftest import EPOCH, body_of, points, stacks

pytestmark = pytest.mark.usefixtures("data_dir")
HOUR_NS = 3600 * 10**9


def total_of(host: Host, metric: str) -> float:
    """The sum of all stored points of a metric."""
    now = time.time_ns()
    found = series.read(series.find([host.pk], metric), now - 48 * HOUR_NS, now + 48 * HOUR_NS)
    return sum(values.sum() for _, values in found.values())


def profile_total(service: str = "shop") -> int:
    now = time.time_ns()
    merged = profiles.merge(profiles.Selector(service, "cpu"), now - 48 * HOUR_NS, now + 48 * HOUR_NS)
    return int(merged.counts.sum())


def test_a_batch_becomes_points_profiles_facts_events_and_probe_states(host, queued):
    now = time.time_ns()
    queued(
        1,
        body_of(
            [
                points("load1", [0.5, 1.5], cpu="0"),
                stacks({("main", "serve"): 7, ("main", "wait"): 2}),
                wire.Fact("kernel.release", "6.18", now),
                wire.Event("process_appeared", now, {"pid": "812"}),
                wire.ProbeStatus("cpu", True, "", 0.001, 100),
                wire.Histogram("tcp_rtt_seconds", {}, now, "loglin20", {3: 5, 9: 1}, 0.7, 6),
            ]
        ),
    )
    write.write_batch(host.pk, EPOCH, 1)
    assert total_of(host, "load1") == 2.0
    assert profile_total() == 9
    assert Fact.objects.get(host=host).value == "6.18"
    assert HostEvent.objects.get(host=host).fields == {"pid": "812"}
    assert ProbeState.objects.get(host=host).ok
    assert ledger.committed_seq(host.pk, EPOCH) == 1
    host.refresh_from_db()
    assert host.agent == "0.1.0"
    assert abs(host.clock_skew_seconds) < 5
    merged = profiles.merge(profiles.Selector("shop", "cpu"), now - HOUR_NS, now + HOUR_NS)
    rows = flamegraph.top("shop", merged)
    assert [(row.name, row.self, row.total) for row in rows] == [
        ("serve", 7, 7),
        ("wait", 2, 2),
        ("main", 0, 9),
    ]
