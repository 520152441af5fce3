"""cpu.single_thread_bound: one core's worth, and others idle."""

import pytest

from diagnose.correlate.rule import Workers
from tests.diagnose.correlate.rules.cpu.runners import service, window
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "cpu.single_thread_bound"


def test_a_service_that_has_all_of_one_core_is_found():
    verdict = the_verdict(RULE, window({"shop": service(41, 0.97, listens=True)}, (0.9, 0.0)))
    assert verdict.subject.pid == 41
    assert "0.9 are idle" in verdict.headline
    assert verdict.recommendations[0].change == Workers("shop", 1, 2)


@pytest.mark.parametrize(
    ("shop", "idle"),
    [
        (service(41, 0.6, listens=True), (0.9, 0.4)),
        (service(41, 1.7, listens=True), (0.6, 0.0)),
        (service(41, 0.97, waiting=2.0, listens=True), (0.9, 0.0)),
        (service(41, 0.97), (0.9, 0.0)),
        (service(41, 0.97, listens=True), (0.1, 0.0)),
    ],
    ids=["room to spare", "more than one", "many are ready", "serves nobody", "no idle core"],
)
def test_what_is_not_bound_to_one_thread_is_no_finding(shop, idle):
    assert verdicts(RULE, window({"shop": shop}, idle)) == []


def test_a_recorded_steady_service_is_no_finding():
    assert verdicts(RULE, recorded("steady-work-usual")) == []


def test_without_time_in_the_queue_it_is_unknown():
    assert verdicts(RULE, without(recorded("steady-work-usual"), "service_run_delay")) is None
