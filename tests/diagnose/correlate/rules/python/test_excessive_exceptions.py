"""python.excessive_exceptions: tracebacks that requests format."""

import pytest

from tests.diagnose.correlate.rules.services import at_request, library, own, service
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "python.excessive_exceptions"
FORMAT = library("format_exc", "traceback.py", 184)


def shop(formatting, other, cores=0.6):
    cpu = [at_request(formatting, own("lookup", 7), FORMAT), at_request(other, own("price", 9))]
    return service(cpu=cpu, cores=cores)


def test_a_recorded_service_that_formats_tracebacks_is_named_with_the_line():
    verdict = the_verdict(RULE, recorded("formats-tracebacks-usual"))
    assert "raise_errors (shop.py:" in verdict.headline


@pytest.mark.parametrize("name", ["much-json-usual", "imports-at-requests-usual"])
def test_requests_that_compute_something_else_are_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_stacks_it_is_unknown():
    assert verdicts(RULE, without(recorded("formats-tracebacks-usual"), profiles=("cpu",))) is None


@pytest.mark.parametrize(
    ("formatting", "other", "cores", "found"),
    [(100, 200, 0.6, True), (10, 300, 0.6, False), (8, 8, 0.6, False), (100, 200, 0.05, False)],
)
def test_a_fifth_of_the_cpu_time_that_somebody_notices_is_needed(formatting, other, cores, found):
    assert bool(verdicts(RULE, shop(formatting, other, cores))) is found


def test_a_logger_that_formats_an_exception_counts_too():
    logged = library("Formatter.formatException", "logging/__init__.py", 644)
    samples = service(
        cpu=[at_request(100, own("lookup", 7), logged), at_request(100, own("price", 9))], cores=0.6
    )
    assert "lookup (views.py:7)" in the_verdict(RULE, samples).headline
