"""python.lock_contention: one address, one line of the service's own code, and one thread further in."""

import pytest

from tests.diagnose.correlate.rules.services import at_request, library, own, service
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "python.lock_contention"
LINE, INSIDE = own("reserve_stock", 36), own("reserve_stock", 37)


def convoy(waiting, inside=1.0, on_one_lock=None, cores=0.1):
    return service(
        [at_request(round(waiting * 200), LINE), at_request(round(inside * 200), INSIDE)],
        on_one_lock=waiting if on_one_lock is None else on_one_lock,
        cores=cores,
    )


def test_a_recorded_convoy_is_named_with_the_line_that_waits_and_the_one_with_the_lock():
    verdict = the_verdict(RULE, recorded("lock-convoy-forty"))
    assert "stand in line for one lock at hold_lock (shop.py:" in verdict.headline
    assert verdict.recommendations[0].change.where.startswith("hold_lock (")
    assert verdict.recommendations[0].change.where != verdict.recommendations[1].change.where


@pytest.mark.parametrize("name", ["pool-too-small-two", "loop-sleeps-long"])
def test_threads_that_wait_for_something_else_are_not_taken_for_a_convoy(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_system_calls_of_threads_it_is_unknown():
    assert verdicts(RULE, without(recorded("lock-convoy-forty"), "service_threads")) is None


def test_without_stacks_it_is_unknown():
    assert verdicts(RULE, without(recorded("lock-convoy-forty"), profiles=("wall",))) is None


@pytest.mark.parametrize(
    ("waiting", "on_one_lock", "found"),
    [
        (6.0, 6.0, True),
        (6.0, 0.0, False),  # they sleep, or wait for a peer
        (6.0, 40.0, False),  # an idle pool waits at one address; these do not
        (0.5, 0.5, False),  # one behind another now and then
    ],
)
def test_stacks_and_system_calls_have_to_agree(waiting, on_one_lock, found):
    assert bool(verdicts(RULE, convoy(waiting, on_one_lock=on_one_lock))) is found


def test_many_threads_further_inside_speak_against_one_lock():
    (line,) = [e for e in the_verdict(RULE, convoy(6.0, inside=4.0)).evidence if "further inside" in e.text]
    assert line.kind == "contradicts"


def test_a_few_of_many_requests_are_not_what_holds_the_service_back():
    samples = service([at_request(400, LINE), at_request(3000, own("render", 9))], on_one_lock=2.0)
    assert verdicts(RULE, samples) == []


def test_a_librarys_lock_belongs_to_the_line_that_called_it():
    waits = at_request(1200, own("price", 12), library("Lock.acquire", "multiprocessing/synchronize.py"))
    assert "price (views.py:12)" in the_verdict(RULE, service([waits], on_one_lock=6.0)).headline


def test_a_thread_of_the_services_own_that_waits_is_at_no_request():
    waits = at_request(1200, LINE)
    waits = type(waits)("worker", (library("Thread.run", "threading.py"), own("work", 4), LINE), 1200)
    assert verdicts(RULE, service([waits], on_one_lock=6.0)) == []
