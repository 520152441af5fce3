"""python.sync_logging: requests that wait in logging calls."""

import pytest

from tests.diagnose.correlate.rules.services import at_request, library, own, service
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "python.sync_logging"
LINE = own("checkout", 44)
FLUSH = library("StreamHandler.flush", "logging/__init__.py", 1100)


def shop(logging, other, cores=0.1):
    return service([at_request(logging, LINE, FLUSH), at_request(other, own("price", 9))], cores=cores)


def test_a_recorded_log_that_is_synced_is_named_with_the_line_and_the_handler():
    verdict = the_verdict(RULE, recorded("logs-to-the-disk-usual"))
    assert "at write_log (shop.py:" in verdict.headline
    assert "QueueHandler" in verdict.recommendations[0].change.what


@pytest.mark.parametrize("name", ["lock-convoy-forty", "enough-workers-usual", "loop-writes-usual"])
def test_requests_that_wait_for_something_else_are_not_taken_for_it(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_stacks_it_is_unknown():
    assert verdicts(RULE, without(recorded("logs-to-the-disk-usual"), profiles=("wall",))) is None


@pytest.mark.parametrize(
    ("logging", "other", "cores", "found"),
    [
        (300, 200, 0.1, True),
        (20, 400, 0.1, False),  # a line now and then
        (12, 12, 0.1, False),  # too few samples
        (300, 200, 1.5, False),  # they compute: too many lines, not a slow log
    ],
)
def test_a_good_part_of_the_time_is_needed_and_it_has_to_be_waiting(logging, other, cores, found):
    assert bool(verdicts(RULE, shop(logging, other, cores))) is found


def test_formatting_a_traceback_is_no_logging():
    traced = at_request(300, LINE, library("format_exc", "traceback.py"))
    assert verdicts(RULE, service([traced])) == []
