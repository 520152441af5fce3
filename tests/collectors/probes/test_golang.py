"""What Go's runtime counts, in whatever form a program publishes it."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator

import pytest

from collectors.capture.golang import endpoints
from collectors.capture.golang.endpoint import alone
from collectors.probe import NoData
from collectors.probes.runtime import golang
from collectors.probes.runtime.golang import GoRuntime
from collectors.processes import gofigures
from collectors.processes.gofigures import Figures
from collectors.wire import Points, ProbeStatus
from tests.collectors import goprograms
from tests.collectors.capture.golang.bad_servers import answering, body
from tests.collectors.goprograms import built, free_port, serving
from tests.collectors.probes.recorded import LIVE, host

SERVICE = f"go-collecting-{os.getpid()}"
PAGE = b"""# HELP go_gc_duration_seconds A summary of the pause duration of garbage collection cycles.
# TYPE go_gc_duration_seconds summary
go_gc_duration_seconds{quantile="0"} 3.1e-05
go_gc_duration_seconds{quantile="1"} 0.0004
go_gc_duration_seconds_sum 0.25
go_gc_duration_seconds_count 120
# TYPE go_goroutines gauge
go_goroutines 9
# TYPE go_memstats_heap_alloc_bytes gauge
go_memstats_heap_alloc_bytes 2.5e+06
# TYPE go_memstats_next_gc_bytes gauge
go_memstats_next_gc_bytes 4.194304e+06
# TYPE go_sched_gomaxprocs_threads gauge
go_sched_gomaxprocs_threads 4
"""


@pytest.fixture
def probe(monkeypatch) -> Iterator[GoRuntime]:
    monkeypatch.setattr(golang, "HEAP_SECONDS", 0.0)
    yield GoRuntime(lambda _: False, False)
    endpoints.of(LIVE).named = ()


def told(probe: GoRuntime) -> dict[str, float]:
    samples = list(probe.collect(host(LIVE)))
    assert all(sample.ok for sample in samples if isinstance(sample, ProbeStatus))
    points = [sample for sample in samples if isinstance(sample, Points)]
    assert {sample.labels["service"] for sample in points} <= {"front"}
    return {sample.metric: sample.values[0] for sample in points}


def ask(served: goprograms.Served, path: str) -> str:
    return urllib.request.urlopen(served.url + path).read().decode()


@goprograms.needs_go
@pytest.mark.parametrize("arguments", [(), ("vars",)], ids=["by its heap profile", "by its variables"])
def test_collections_and_their_pauses_are_those_of_the_runtime(probe, arguments):
    with serving(built("collecting"), "127.0.0.1:0", *arguments, service=SERVICE) as served:
        endpoints.of(LIVE).named = (("front", served.url),)
        assert "go_gc_cycles_total" not in told(probe)
        ask(served, "/keep?n=50000000")
        pause_ns = int(ask(served, "/collect?n=7"))
        found = told(probe)
        assert found["go_gc_cycles_total"] == 7
        assert found["go_gc_pause_seconds_total"] == pytest.approx(pause_ns / 1e9)
        assert 50e6 < found["go_heap_bytes"] < 60e6
        assert 0 < found["go_gc_cpu_ratio"] < 0.5
        idle = told(probe)
        assert (idle["go_gc_cycles_total"], idle["go_gc_pause_seconds_total"], idle["go_gc_cpu_ratio"]) == (
            0,
            0,
            0,
        )


@goprograms.needs_go
def test_a_heap_profile_is_asked_for_once_a_minute_and_never_beside_another(probe, monkeypatch):
    monkeypatch.setattr(golang, "HEAP_SECONDS", 60.0)
    with serving(built("collecting"), service=SERVICE) as served:
        endpoints.of(LIVE).named = (("front", served.url),)
        (endpoint,) = endpoints.of(LIVE).all(lambda _: False, discover=False)
        with alone(endpoint):
            assert told(probe) == {}
        assert "go_heap_bytes" in told(probe)
        assert set(told(probe)) == {"go_goroutines"}


@goprograms.needs_go
def test_goroutines_are_counted_from_the_list_of_profiles_without_their_stacks(probe):
    with serving(built("collecting"), service=SERVICE) as served:
        endpoints.of(LIVE).named = (("front", served.url),)
        counted = told(probe)["go_goroutines"]
        total = ask(served, "/debug/pprof/goroutine?debug=1").partition("\n")[0]
    assert total.startswith("goroutine profile: total ")
    assert abs(counted - int(total.rpartition(" ")[2])) <= 2
    assert gofigures.goroutines(b"<td>7</td><td><a href=goroutine?debug=1>goroutine</a></td>") == 7
    assert gofigures.goroutines(b"<td>many</td>") is None


@goprograms.needs_go
def test_what_another_process_has_counted_is_new(probe):
    port = free_port()
    endpoints.of(LIVE).named = (("front", f"http://127.0.0.1:{port}"),)
    with serving(built("collecting"), f"127.0.0.1:{port}") as served:
        ask(served, "/collect?n=3")
        told(probe)
    with serving(built("collecting"), f"127.0.0.1:{port}") as served:
        pause_ns = int(ask(served, "/collect?n=5"))
        probe._passes = 0  # time to look for processes again
        found = told(probe)
    assert found["go_gc_cycles_total"] == 5
    assert found["go_gc_pause_seconds_total"] == pytest.approx(pause_ns / 1e9)
    assert "go_gc_cpu_ratio" not in found


def test_a_page_of_the_prometheus_client_is_read_first(probe):
    with answering(body(PAGE)) as endpoint:
        endpoints.of(LIVE).named = (("front", endpoint.url),)
        found = told(probe)
    assert found == {
        "go_heap_bytes": 2.5e6,
        "go_heap_goal_bytes": 4194304,
        "go_gomaxprocs": 4,
        "go_goroutines": 9,
    }
    assert gofigures.of_metrics(PAGE) == Figures(2.5e6, 4194304, 120, 0.25, gomaxprocs=4, goroutines=9)


def test_pauses_come_from_the_ring_only_as_far_as_it_reaches():
    ring = tuple(range(1, 257))
    before, after = Figures(0, 0, 254), Figures(0, 0, 258, pauses_ns=ring)
    assert gofigures.pause_seconds(before, after) == (255 + 256 + 1 + 2) / 1e9
    many = Figures(0, 0, 10_000, pauses_ns=ring)
    assert gofigures.pause_seconds(before, many) == sum(ring) / 1e9


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"memstats": 7}',
        b"# PauseNs = [1 2]\n# NumGC = x\n",
        b"go_goroutines 5\n",
    ],
)
def test_a_page_that_tells_nothing_of_go_is_none(page):
    assert [read(page) for read in (gofigures.of_metrics, gofigures.of_vars, gofigures.of_heap)] == [None] * 3


def test_who_tells_nothing_is_named(probe):
    with answering(body(b"hello")) as endpoint:
        endpoints.of(LIVE).named = (("front", endpoint.url),)
        with pytest.raises(NoData, match=f"{endpoint.url} tells nothing of its runtime"):
            told(probe)
    endpoints.of(LIVE).named = ()
    with pytest.raises(NoData, match="no program of Go"):
        told(GoRuntime(lambda _: False, False))
