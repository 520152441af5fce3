"""network.thundering_herd: workers that wake in vain, told from loops that accept until there is nothing more."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.thundering_herd"


def window(accepted=100.0, nothing=70.0, returns=170.0, workers=16, woken=100.0, holders=1):
    """Rates; ten-second passes. `woken` is one worker's."""
    shop, passes = {"service": "shop"}, 4
    pids = [str(800 + at) for at in range(workers)]
    sleeps = {"type": "voluntary"}
    return synthetic(
        {
            "ebpf_observed_seconds_total": [({"probe": "wakeups"}, [10.0] * passes)],
            "accept_attempts_total": [
                (shop | {"result": "accepted"}, [10 * accepted] * passes),
                (shop | {"result": "nothing"}, [10 * nothing] * passes),
            ],
            "epoll_wakeups_total": [(shop | {"events": "1"}, [10 * returns] * passes)],
            "process_threads": [(shop | {"pid": pid}, [1.0] * passes) for pid in pids],
            "process_context_switches_total": [
                (shop | {"pid": pid} | sleeps, [10 * woken] * passes) for pid in pids
            ],
            "listener_accept_queue_length": [
                (shop | {"listener": "0.0.0.0:80", "pid": pid}, [0.0] * passes) for pid in pids[:holders]
            ],
        },
        step=10.0,
    )


def test_workers_that_all_wake_for_each_connection_are_told_with_their_number():
    verdict = the_verdict(RULE, window())
    assert "wakes its 16 workers" in verdict.headline
    assert verdict.subject.listener == "0.0.0.0:80"
    assert "EPOLLEXCLUSIVE" in verdict.recommendations[0].change.what


def test_calls_that_find_nothing_tell_it_without_the_switches_of_processes():
    samples = without(window(nothing=1400.0, returns=1500.0), "process_context")
    assert any(line.kind == "missing" for line in the_verdict(RULE, samples).evidence)


@pytest.mark.parametrize(
    "samples",
    [
        window(nothing=100.0, returns=200.0, woken=7.0),  # loops that accept until there is nothing more
        window(nothing=5.0, returns=1600.0),  # requests on kept connections wake them, not new ones
        window(returns=1600.0),  # the same, in loops that accept until there is nothing more
        window(workers=2),
        window(holders=16),  # a listener for each
        window(accepted=5.0, nothing=3.0, woken=5.0),  # a few a second
    ],
)
def test_shared_out_connections_kept_ones_and_few_wakeups_are_no_finding(samples):
    assert verdicts(RULE, samples) == []


def test_a_recorded_herd_is_found():
    assert "workers" in the_verdict(RULE, recorded("thundering-herd-16")).headline


@pytest.mark.parametrize("name", ["one-woken-at-a-time-usual", "kept-alive-usual", "steady-work-usual"])
def test_recorded_health_is_no_finding(name):
    assert not verdicts(RULE, recorded(name))


def test_without_counted_calls_it_is_unknown():
    assert verdicts(RULE, without(window(), "ebpf_observed")) is None
