"""app.goodput_drop: fewer good answers, though as many requests are under way."""

import pytest

from tests.diagnose.correlate.rules.services import LISTENER, service
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "app.goodput_drop"


def shop(before, now):
    """Durations of ten seconds each: six windows and three."""
    return service(requests=[*([before] * 7), *([now] * 3)])


def test_a_recorded_drop_is_told_with_what_was_lost():
    verdict = the_verdict(RULE, recorded("goodput-drop-usual"))
    assert 0.6 < verdict.impact.share < 0.9


@pytest.mark.parametrize("name", ["fewer-customers-usual", "loop-awaits-usual"])
def test_fewer_customers_and_steady_work_are_no_drop(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_counted_requests_it_is_unknown():
    assert verdicts(RULE, without(recorded("goodput-drop-usual"), "http_server_seconds")) is None


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        ([0.02] * 400, [0.1] * 80, True),  # eight at a time, five times as slow
        ([0.02] * 400, [0.02] * 80, False),  # less is asked
        ([0.02] * 400, [0.025] * 320, False),  # a fifth less
        ([0.2] * 20, [1.0] * 4, False),  # two requests a second
    ],
)
def test_demand_tells_a_slow_service_from_a_quiet_one(before, now, found):
    assert bool(verdicts(RULE, shop(before, now))) is found


def test_other_work_is_no_drop():
    labels = {"service": "shop", **LISTENER, "method": "GET", "status_class": "2xx"}
    small, large = [[0.02] * 400] * 7 + [[]] * 3, [[]] * 7 + [[0.1] * 80] * 3
    rows = [({**labels, "route": "/small"}, small), ({**labels, "route": "/large"}, large)]
    assert verdicts(RULE, synthetic({}, step=10, durations={"http_server_seconds": rows})) == []


def test_errors_in_place_of_answers_are_a_drop():
    labels = {"service": "shop", **LISTENER, "method": "GET", "route": "/"}
    good, bad = [[0.02] * 400] * 7 + [[0.001] * 100] * 3, [[]] * 7 + [[0.001] * 300] * 3
    rows = [({**labels, "status_class": "2xx"}, good), ({**labels, "status_class": "5xx"}, bad)]
    assert verdicts(RULE, synthetic({}, step=10, durations={"http_server_seconds": rows})) != []
