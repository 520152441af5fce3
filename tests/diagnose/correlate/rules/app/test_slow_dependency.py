"""app.slow_dependency: the peer takes the time, most of it, and longer than before or long anyway."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "app.slow_dependency"
SHOP = {"service": "shop.service"}
PEER = SHOP | {"dst": "10.0.0.9:5432", "protocol": "postgresql", "route": ""}


def window(before=0.005, now=0.2, own=None, slice_seconds=0.0001, rtt=0.0005, count=40, listens=True):
    """Ten-second passes: six of before, three of now. `own`: time of the service's own requests."""
    passes = 9
    answers = [[before] * count] * 6 + [[now] * count] * 3
    requests = [[before + 0.01] * count] * 6 + [[now + 0.01 if own is None else own] * count] * 3
    listener = SHOP | {"listener": "0.0.0.0:80", "pid": "812"}
    return synthetic(
        {
            "ebpf_observed_seconds_total": [({"probe": "dependencies"}, [10.0] * passes)],
            "listener_accept_queue_length": [(listener, [0.0] * passes)] if listens else [],
            "service_run_delay_seconds_total": [(SHOP, [1000 * slice_seconds] * passes)],
            "service_run_slices_total": [(SHOP, [1000.0] * passes)],
            "tcp_rtt_median_seconds": [({"dst": "10.0.0.9:5432"}, [rtt] * passes)],
            "tcp_connections": [({"dst": "10.0.0.9:5432", "state": "established"}, [8.0] * passes)],
        },
        step=10.0,
        durations={
            "dependency_seconds": [(PEER, answers)],
            "http_server_seconds": [(SHOP | {"listener": "0.0.0.0:80"}, requests)],
        },
    )


def test_a_peer_that_became_slower_is_told_with_what_it_took_before():
    verdict = the_verdict(RULE, window())
    assert verdict.subject.destination == "10.0.0.9:5432"
    assert (verdict.subject.service, verdict.subject.pid) == ("shop.service", 812)
    assert "instead of 5" in verdict.headline
    assert "asks" not in verdict.headline


def test_one_that_was_always_slow_is_told_too():
    assert "instead of" not in the_verdict(RULE, window(before=0.2)).headline


def test_without_the_services_own_requests_only_a_change_is_told():
    assert the_verdict(RULE, without(window(), "http_server"))
    assert verdicts(RULE, without(window(before=0.2), "http_server")) == []


@pytest.mark.parametrize(
    "samples",
    [
        window(now=0.006),
        window(before=0.02, now=0.02, own=0.5),  # slow itself
        window(now=0.2, own=0.6),  # most of the time is its own
        window(now=0.2, slice_seconds=0.08),  # it waits for a CPU, and reads answers late
        window(now=0.2, rtt=0.15),  # the way is long
        window(count=3),
        window(listens=False),  # a client, for whom nobody waits
    ],
)
def test_fast_peers_own_slowness_and_long_ways_are_no_finding(samples):
    assert verdicts(RULE, samples) == []


@pytest.mark.parametrize("name", ["slow-dependency-since-long"])
def test_a_recorded_slow_peer_is_found(name):
    assert the_verdict(RULE, recorded(name)).subject.destination == "127.0.0.1:7802"


@pytest.mark.parametrize("name", ["slow-itself-usual", "steady-work-usual"])
def test_recorded_health_is_no_finding(name):
    assert not verdicts(RULE, recorded(name))


def test_without_the_probe_it_is_unknown():
    assert verdicts(RULE, without(window(), "ebpf_observed")) is None
