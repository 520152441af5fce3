"""python.event_loop_blocked: one thread for all, in a call, for long at a time."""

import pytest

from diagnose.correlate.samples import Stack
from tests.diagnose.correlate.rules.services import LOOP_WAITS, on_loop, own, service
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "python.event_loop_blocked"
CALL = own("fetch_rates", 20)


def loop(kept, *, computes=0.0, requests_per_second=5, wakeups=None):
    wall = [on_loop(round(200 * kept), CALL), Stack("MainThread", LOOP_WAITS, round(200 * (1 - kept)))]
    cpu = [on_loop(round(200 * kept * computes), CALL)] if computes else [Stack("MainThread", LOOP_WAITS, 1)]
    answered = [[0.2] * round(10 * requests_per_second)] * 13 if requests_per_second else ()
    return service(wall, cpu, requests=answered, wakeups=wakeups)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("loop-sleeps-long", "waiting in sleep (loop.py:"),
        ("loop-sleeps-short", "waiting in sleep (loop.py:"),
        ("loop-writes-usual", "write_file (loop.py:"),
        ("loop-computes-usual", "computing in price_basket (loop.py:"),
    ],
)
def test_a_recorded_loop_that_is_kept_is_named_with_the_call_and_its_length(name, words):
    verdict = the_verdict(RULE, recorded(name))
    assert words in verdict.headline
    assert "ms at a time" in verdict.headline


@pytest.mark.parametrize("name", ["loop-awaits-usual", "lock-convoy-forty"])
def test_a_loop_that_awaits_and_a_server_without_one_are_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_stacks_it_is_unknown():
    assert verdicts(RULE, without(recorded("loop-sleeps-long"), profiles=("wall",))) is None


@pytest.mark.parametrize(
    ("kept", "requests_per_second", "found"),
    [
        (0.9, 5, True),  # 180 ms
        (0.9, 200, False),  # 4.5 ms each: a busy loop, and a quick one
        (0.1, 1, False),  # most find it free
    ],
)
def test_it_has_to_be_kept_much_and_long_at_a_time(kept, requests_per_second, found):
    assert bool(verdicts(RULE, loop(kept, requests_per_second=requests_per_second))) is found


def test_turns_of_the_loop_tell_where_requests_are_not_counted():
    assert verdicts(RULE, loop(0.9, requests_per_second=0, wakeups=1000)) == []
    assert "90 ms at a time" in the_verdict(RULE, loop(0.9, requests_per_second=0, wakeups=10)).headline


def test_without_either_a_call_that_waits_is_told_and_its_length_is_missing():
    verdict = the_verdict(RULE, loop(0.9, requests_per_second=0))
    assert [line.role for line in verdict.evidence if line.kind == "missing"] == ["decides"]
    assert verdicts(RULE, loop(0.9, requests_per_second=0, computes=1.0)) == []


def test_what_computes_belongs_into_a_process_and_what_waits_into_a_thread():
    assert "ProcessPoolExecutor" in the_verdict(RULE, loop(0.9, computes=1.0)).recommendations[0].change.what
    assert "to_thread" in the_verdict(RULE, loop(0.9)).recommendations[0].change.what
