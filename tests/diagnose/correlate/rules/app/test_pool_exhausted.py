"""app.pool_exhausted: requests in a pool's checkout, few that hold a connection, and CPU to spare."""

import pytest

from tests.diagnose.correlate.rules.services import at_request, library, own, service
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "app.pool_exhausted"
ASK, TALK = own("fetch", 61), own("fetch", 65)
GET = (library("Queue.get", "queue.py", 171), library("Condition.wait", "threading.py", 327))
RECV = library("SocketIO.readinto", "socket.py", 706)


def shop(waiting, holding, **more):
    wall = [at_request(round(waiting * 200), ASK, *GET), at_request(round(holding * 200), TALK, RECV)]
    return service(wall, **more)


def test_a_recorded_pool_of_two_is_named_with_the_line_and_a_size_by_littles_law():
    verdict = the_verdict(RULE, recorded("pool-too-small-two"))
    assert "wait for a connection of a pool, at ask_backend (shop.py:" in verdict.headline
    (recommendation,) = verdict.recommendations
    size = int(recommendation.change.what.split("have ")[1].split()[0])
    assert 20 <= size <= 45
    assert "Little's law" in recommendation.formula


@pytest.mark.parametrize("name", ["lock-convoy-forty", "loop-awaits-usual"])
def test_requests_that_wait_for_something_else_are_not_taken_for_it(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_stacks_it_is_unknown():
    assert verdicts(RULE, without(recorded("pool-too-small-two"), profiles=("wall",))) is None


@pytest.mark.parametrize(
    ("waiting", "holding", "more", "found"),
    [
        (10.0, 2.0, {}, True),
        (0.5, 2.0, {}, False),  # one now and then
        (2.0, 20.0, {}, False),  # most wait for the answer: the service behind is slow
        (10.0, 2.0, {"cores": 1.0}, False),  # no CPU is left
        (10.0, 2.0, {"on_one_lock": 10.0}, False),  # one address: a lock
    ],
)
def test_most_requests_have_to_wait_in_the_checkout_while_cpu_is_left(waiting, holding, more, found):
    assert bool(verdicts(RULE, shop(waiting, holding, **more))) is found


@pytest.mark.parametrize(
    "inside",
    [
        (library("ConnectionPool.getconn", "site-packages/psycopg_pool/pool.py"), GET[1]),
        (library("QueuePool._do_get", "site-packages/sqlalchemy/pool/impl.py"), GET[1]),
        (library("BlockingConnectionPool.get_connection", "site-packages/redis/connection.py"), *GET),
        (library("Semaphore.acquire", "threading.py"),),
    ],
)
def test_pools_of_libraries_are_known(inside):
    assert verdicts(RULE, service([at_request(2000, ASK, *inside), at_request(400, TALK, RECV)]))


def test_a_worker_of_the_services_own_that_waits_for_work_is_at_no_request():
    idle = type(at_request(1))("worker", (library("Thread.run", "threading.py"), own("work", 4), *GET), 4000)
    assert verdicts(RULE, service([idle])) == []


def test_the_size_holds_those_who_wait_as_well():
    verdict = the_verdict(RULE, shop(10.0, 2.0, requests=[[0.1] * 1000] * 13))
    assert "let the pool have 15 connections" in verdict.recommendations[0].change.what
    assert "100 requests/s × 20 ms" in verdict.recommendations[0].formula
