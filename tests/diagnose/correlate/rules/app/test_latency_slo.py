"""app.latency_slo: one in twenty too slow, in three windows in a row; as a whole or on one route."""

import pytest

from diagnose.correlate import engine
from tests.diagnose.correlate.rules.services import LISTENER, service
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "app.latency_slo"
QUICK = [0.05] * 100


def shop(*windows):
    return service(requests=[*([QUICK] * (13 - len(windows))), *windows])


def test_a_recorded_service_that_waits_for_something_unseen_says_that_no_cause_was_found():
    (one,) = engine.evaluate(recorded("answers-late-usual")).judgements
    assert one.rule == RULE
    assert "s for one in twenty requests" in one.verdict.headline
    (unknown,) = [each for each in one.verdict.unknown if each.what == "the cause"]
    assert "rules were checked" in unknown.why


def test_a_recorded_cause_stands_above_it():
    judgements = engine.evaluate(recorded("lock-convoy-forty")).judgements
    (slow,) = [each for each in judgements if each.rule == RULE]
    assert judgements[slow.explained_by].rule == "python.lock_contention"
    assert all(each.what != "the cause" for each in slow.verdict.unknown)


@pytest.mark.parametrize("name", ["loop-awaits-usual", "pool-too-small-two"])
def test_a_service_that_is_quick_enough_is_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_counted_requests_it_is_unknown():
    assert verdicts(RULE, without(recorded("lock-convoy-forty"), "http_server_seconds")) is None


SLOW = [1.2] * 20 + [0.05] * 80


@pytest.mark.parametrize(
    ("windows", "found"),
    [
        ([SLOW] * 3, True),
        ([SLOW] * 2, False),  # not three in a row
        ([SLOW, QUICK, SLOW, SLOW], False),
        ([[1.2] * 3 + [0.05] * 97] * 3, False),  # fewer than one in twenty
        ([[1.2] * 2 + [0.05] * 10] * 3, False),  # too few requests
        ([[1.2] * 2 + [0.05] * 21] * 3, False),  # it may be chance
    ],
)
def test_three_windows_in_a_row_beyond_chance_are_needed(windows, found):
    assert bool(verdicts(RULE, shop(*windows))) is found


def routes(**durations):
    labels = {"service": "shop", **LISTENER, "method": "GET", "status_class": "2xx"}
    rows = [({**labels, "route": f"/{name}"}, [each] * 13) for name, each in durations.items()]
    return synthetic({}, step=10, durations={"http_server_seconds": rows})


def test_one_slow_route_among_many_quick_requests_is_named():
    verdict = the_verdict(RULE, routes(quick=[0.01] * 2000, report=[1.5] * 30))
    assert "s on /report for one in twenty" in verdict.headline


def test_long_polls_are_not_slow():
    assert verdicts(RULE, routes(poll=[25.0] * 40, quick=[0.01] * 50)) == []
    assert verdicts(RULE, routes(poll=[5.0, 9.0, 14.0, 25.0] * 10)) != []
