"""cpu.noisy_neighbour: who waits for CPUs, and who has them."""

import pytest

from diagnose.correlate.rule import UnitSetting
from tests.diagnose.correlate.rules.cpu.runners import service, window
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "cpu.noisy_neighbour"
SHOP = service(41, 0.1, waiting=0.3, listens=True)
BUILD = service(42, 1.8)


def test_a_service_that_waits_names_who_has_the_cpus():
    verdict = the_verdict(RULE, window({"shop": SHOP, "build.service": BUILD}))
    assert verdict.subject.pid == 42
    assert verdict.subject.everywhere
    assert "build.service (pid 42) uses 1.8 of 2 CPUs" in verdict.headline
    assert verdict.recommendations[0].change == UnitSetting("build.service", "CPUWeight", "100", "20")


@pytest.mark.parametrize(
    ("services", "idle"),
    [
        ({"shop": service(41, 0.1, waiting=0.003, a_wait=5e-5, listens=True), "build": BUILD}, (0.0, 0.0)),
        ({"shop": SHOP, "build": BUILD}, (0.0, 0.6)),
        ({"shop": service(41, 0.1, waiting=0.01, held=0.3, listens=True), "build": BUILD}, (0.0, 0.0)),
        ({"shop": service(41, 1.2, waiting=3.0, listens=True), "build": service(42, 0.7)}, (0.0, 0.0)),
        ({"shop": service(41, 0.1, waiting=0.3), "build": BUILD}, (0.0, 0.0)),
    ],
    ids=["short waits", "an idle CPU", "its own quota", "its own load", "serves nobody"],
)
def test_what_is_not_the_neighbours_doing_is_no_finding(services, idle):
    assert verdicts(RULE, window(services, idle)) == []


@pytest.mark.parametrize("name", ["steady-work-usual", "cpu-quota-hard"])
def test_recorded_work_with_room_or_under_a_quota_is_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_time_in_the_queue_it_is_unknown():
    assert verdicts(RULE, without(recorded("steady-work-usual"), "service_run_delay")) is None
