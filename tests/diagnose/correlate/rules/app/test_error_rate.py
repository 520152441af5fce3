"""app.error_rate: more than one in twenty answers is an error, all the time."""

import pytest

from tests.diagnose.correlate.rules.services import LISTENER
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, until, without

RULE = "app.error_rate"


def shop(failed, answered=100, windows=13):
    """`failed` for each window, or one number for all."""
    failed = failed if isinstance(failed, list) else [failed] * windows
    labels = {"service": "shop", **LISTENER, "method": "GET", "route": "/pay"}
    rows = [
        ({**labels, "status_class": "5xx"}, [[0.01] * each for each in failed]),
        ({**labels, "status_class": "2xx"}, [[0.01] * (answered - each) for each in failed]),
    ]
    return synthetic({"up": [({}, [0] * windows)]}, step=10, durations={"http_server_seconds": rows})


def test_recorded_errors_are_named_with_their_share_and_route():
    verdict = the_verdict(RULE, recorded("answers-with-errors-many"))
    assert "of its requests with an error of its own (5xx)" in verdict.headline
    assert 0.2 < verdict.impact.share < 0.4
    assert any(line.text.startswith("/: ") for line in verdict.evidence)


def test_recorded_errors_that_are_few_are_not_told():
    assert verdicts(RULE, recorded("answers-with-few-errors-usual")) == []


def test_before_two_minutes_are_over_it_is_not_told():
    assert verdicts(RULE, until(recorded("answers-with-errors-many"), 60)) == []


def test_without_counted_requests_it_is_unknown():
    assert verdicts(RULE, without(recorded("answers-with-errors-many"), "http_server_seconds")) is None


@pytest.mark.parametrize(
    ("failed", "answered", "windows", "found"),
    [
        (20, 100, 13, True),
        (3, 100, 13, False),
        ([50] * 6 + [0] * 7, 100, 13, False),  # a burst that passed
        (20, 100, 6, False),  # a minute
        (3, 10, 13, False),  # too few answers
    ],
)
def test_it_has_to_last_and_to_be_more_than_chance(failed, answered, windows, found):
    assert bool(verdicts(RULE, shop(failed, answered, windows))) is found
