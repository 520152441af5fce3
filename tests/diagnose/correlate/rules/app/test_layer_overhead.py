"""app.layer_overhead: one layer that takes more of a busy service's CPU than all else."""

import pytest

from tests.diagnose.correlate.rules.services import at_request, library, own, service
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "app.layer_overhead"
DUMPS = library("dumps", "json/__init__.py", 231)


def shop(json, own_code, cores=0.95, **more):
    cpu = [at_request(json, own("listing", 7), DUMPS), at_request(own_code, own("price", 9))]
    return service(cpu=cpu, cores=cores, **more)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("much-json-usual", "(De)serialisation, validation"),
        ("regex-backtracks-usual", "Regular expressions"),
    ],
)
def test_a_recorded_layer_is_named_with_its_caller_and_microseconds_a_request(name, words):
    verdict = the_verdict(RULE, recorded(name))
    assert words in verdict.headline
    assert "µs a request" in verdict.headline
    assert "(shop.py:" in verdict.recommendations[0].formula


@pytest.mark.parametrize("name", ["hot_function", "healthy", "batch"])
def test_own_code_idle_services_and_batches_are_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_stacks_it_is_unknown():
    assert verdicts(RULE, without(recorded("much-json-usual"), profiles=("cpu",))) is None


@pytest.mark.parametrize(
    ("json", "own_code", "cores", "found"),
    [
        (300, 100, 0.95, True),
        (300, 100, 0.5, False),  # half a core is free
        (200, 250, 0.95, False),  # its own code does more
        (110, 100, 0.95, False),  # more than half, but not beyond chance
        (40, 10, 0.95, False),  # too few samples
    ],
)
def test_more_than_half_of_a_full_core_beyond_chance_is_needed(json, own_code, cores, found):
    assert bool(verdicts(RULE, shop(json, own_code, cores))) is found


def test_on_a_host_short_of_cpu_what_it_waits_for_counts_as_wanted():
    assert verdicts(RULE, shop(300, 100, cores=0.4)) == []
    assert verdicts(RULE, shop(300, 100, cores=0.4, delay=0.5)) != []


def test_it_is_told_for_one_request_layer_by_layer():
    verdict = the_verdict(RULE, shop(300, 100, requests=[[0.01] * 500] * 13))
    assert "14,250 µs a request" in verdict.headline  # 0.75 × 0.95 cores ÷ 50 requests/s
    assert any("Own code 4,750 µs a request" in line.text for line in verdict.evidence)


def test_without_counted_requests_shares_are_told_and_what_is_missing():
    verdict = the_verdict(RULE, shop(300, 100))
    assert [each.what for each in verdict.unknown] == ["µs a request"]


def test_middleware_is_told_member_by_member():
    member = library("GZipMiddleware.process_response", "site-packages/django/middleware/gzip.py")
    samples = service(
        cpu=[
            at_request(300, own("listing", 7), DUMPS),
            at_request(50, member, library("GzipFile.write", "gzip.py")),
        ],
        cores=0.95,
    )
    assert any("middleware: GZipMiddleware 14 %" in line.text for line in the_verdict(RULE, samples).evidence)
