"""go.no_server_timeouts: connections that pile up, on which no request begins."""

import pytest

from diagnose.correlate.samples import Frame
from tests.diagnose.correlate.rules.go import programs
from tests.diagnose.correlate.rules.go.programs import NOTIFIED, READS, STEPS
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "go.no_server_timeouts"
SERVE = Frame("net/http.(*conn).serve", "server.go", 1929)
WAITS = (SERVE, Frame("bufio.(*Reader).Peek", "bufio.go", 145), *READS)
LONG_POLL = (SERVE, Frame("net/http.serverHandler.ServeHTTP", "server.go", 2947), *READS)
GROWS = [20.0 + 50 * step for step in range(STEPS)]


def window(*stacks, numbers=GROWS, connections=GROWS):
    gauges = {"go_goroutines": numbers, "netstat_Tcp_CurrEstab": connections}
    return programs.window(gauges, profiles=[programs.goroutines(*stacks)])


def test_connections_that_say_nothing_and_pile_up_are_found():
    verdict = the_verdict(RULE, window((WAITS, 90), (NOTIFIED, 10)))
    assert "keeps 333 connections that say nothing, and 300 more a minute" in verdict.headline
    assert "IdleTimeout" in verdict.recommendations[0].change.what


@pytest.mark.parametrize(
    "samples",
    [
        window((LONG_POLL, 90)),
        window((WAITS, 90), numbers=[400.0] * STEPS, connections=[390.0] * STEPS),
        window((WAITS, 90), connections=[10.0] * STEPS),
        window((WAITS, 10), (NOTIFIED, 90)),
    ],
    ids=["long polls", "level", "no more connections", "something else"],
)
def test_connections_that_are_used_or_stay_as_many_are_no_finding(samples):
    assert verdicts(RULE, samples) == []


def test_a_recorded_server_without_timeouts_is_found():
    assert the_verdict(RULE, recorded("go-no-timeouts-usual")).subject.service == "goshop"


def test_a_recorded_program_whose_goroutines_leak_is_no_finding():
    assert verdicts(RULE, recorded("goroutine-leak-fast")) == []


def test_without_stacks_of_goroutines_it_is_unknown():
    assert verdicts(RULE, without(recorded("go-no-timeouts-usual"), profiles=["goroutine"])) is None
