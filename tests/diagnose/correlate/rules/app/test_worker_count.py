"""app.worker_count: everybody at a request, a line in front of them, and idle CPUs."""

import pytest

from tests.diagnose.correlate.rules.services import LOOP_WAITS, at_request, on_loop, own, service
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "app.worker_count"
LINE = own("fetch", 61)


def shop(busy=1.0, accept_seconds=0.3, cores=0.1, queued=5.0):
    wall = [at_request(round(busy * 200), LINE), *([] if busy == 1 else [at_request(0, LINE)])]
    return service(wall, cores=cores, queued=queued, accepts=[[accept_seconds] * 30] * 13)


def test_a_recorded_service_of_two_workers_is_told_how_many_it_needs():
    verdict = the_verdict(RULE, recorded("too-few-workers-two"))
    assert "all 2 are at requests" in verdict.headline
    (recommendation,) = verdict.recommendations
    assert recommendation.change.current == 2
    assert 8 <= recommendation.change.proposed <= 16


@pytest.mark.parametrize("name", ["enough-workers-usual", "lock-convoy-forty", "loop-sleeps-long"])
def test_threads_and_event_loops_are_not_taken_for_workers(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_waits_for_accept_it_is_unknown():
    assert verdicts(RULE, without(recorded("too-few-workers-two"), "accept_wait")) is None


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, True),
        ({"accept_seconds": 0.001}, False),  # somebody is always free
        ({"busy": 0.5}, False),
        ({"cores": 0.95}, False),  # it computes: a CPU is missing, not a worker
    ],
)
def test_all_have_to_be_busy_and_waiting_while_connections_wait(more, found):
    assert bool(verdicts(RULE, shop(**more))) is found


def test_the_number_is_those_served_and_those_that_wait():
    (recommendation,) = the_verdict(RULE, shop(queued=5.0)).recommendations
    assert recommendation.change.proposed == 6


def test_the_thread_of_an_event_loop_is_no_worker():
    samples = shop()
    looping = service(
        [on_loop(200, LINE), type(at_request(1))("MainThread", LOOP_WAITS, 20)], accepts=[[0.3] * 30] * 13
    )
    assert verdicts(RULE, samples) != []
    assert verdicts(RULE, looping) == []
