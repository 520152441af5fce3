"""python.import_at_request: the import machinery below requests, in a process that is not starting."""

import pytest

from diagnose.correlate.samples import Frame
from tests.diagnose.correlate.rules.services import at_request, own, service
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "python.import_at_request"
FIND = Frame("_find_and_load", "<frozen importlib._bootstrap>", 1176)


def shop(importing, other, **more):
    cpu = [at_request(importing, own("encode", 7), FIND), at_request(other, own("price", 9))]
    return service(cpu=cpu, cores=0.6, **more)


def test_a_recorded_service_that_looks_for_what_is_not_there_is_named_with_the_line():
    verdict = the_verdict(RULE, recorded("imports-at-requests-usual"))
    assert "import_optional (shop.py:" in verdict.headline


@pytest.mark.parametrize("name", ["much-json-usual", "formats-tracebacks-usual"])
def test_requests_that_compute_something_else_are_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_stacks_it_is_unknown():
    assert verdicts(RULE, without(recorded("imports-at-requests-usual"), profiles=("cpu",))) is None


@pytest.mark.parametrize(("importing", "other", "found"), [(80, 200, True), (5, 400, False), (10, 10, False)])
def test_a_tenth_beyond_chance_is_needed(importing, other, found):
    assert bool(verdicts(RULE, shop(importing, other))) is found


def test_a_process_that_has_just_started_imports_and_is_no_finding():
    assert verdicts(RULE, shop(80, 200, age=-30.0)) == []
    assert verdicts(RULE, shop(80, 200, age=30.0)) != []


def test_imports_outside_of_requests_are_not_counted():
    start = type(at_request(1))("MainThread", (own("<module>", 1), FIND), 300)
    assert verdicts(RULE, service(cpu=[start, at_request(100, own("price", 9))], cores=0.6)) == []
