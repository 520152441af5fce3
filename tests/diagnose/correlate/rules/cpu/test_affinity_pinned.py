"""cpu.affinity_pinned: more work than allowed CPUs, and others idle."""

import pytest

from tests.diagnose.correlate.rules.cpu.runners import service, window
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "cpu.affinity_pinned"
ONE = {"service.shop.cpus_allowed": "1"}
SHOP = service(41, 0.95, waiting=1.5, listens=True, allowed=1)


def test_a_service_with_more_work_than_cpus_it_may_use_is_found():
    verdict = the_verdict(RULE, window({"shop": SHOP}, (0.8, 0.0), ONE))
    assert verdict.subject.pid == 41
    assert "may use 1 of 2 CPUs (1)" in verdict.headline
    assert "taskset -a -cp 0-1 41" in verdict.recommendations[0].change.what


def test_the_cpuset_of_its_group_is_what_is_to_be_widened():
    facts = {**ONE, "service.shop.cgroup.cpuset": "/docker/shop"}
    verdict = the_verdict(RULE, window({"shop": SHOP}, (0.8, 0.0), facts))
    assert "/docker/shop" in verdict.recommendations[0].change.what


def test_where_only_their_number_is_known_the_busiest_are_those_it_may_use():
    assert "may use 1 of 2 CPUs (1)" in the_verdict(RULE, window({"shop": SHOP}, (0.8, 0.0))).headline


@pytest.mark.parametrize(
    ("services", "idle", "facts"),
    [
        ({"shop": service(41, 0.3, waiting=0.1, listens=True, allowed=1)}, (0.8, 0.6), ONE),
        ({"shop": SHOP}, (0.0, 0.0), ONE),
        ({"shop": SHOP}, (0.8, 0.0), {"service.shop.cpus_allowed": "0-1"}),
        ({"shop": service(41, 0.95, waiting=0.1, held=1.5, listens=True)}, (0.8, 0.0), ONE),
    ],
    ids=["room to spare", "no idle CPU", "all CPUs", "a quota"],
)
def test_what_is_not_the_pinnings_doing_is_no_finding(services, idle, facts):
    assert verdicts(RULE, window(services, idle, facts)) == []


def test_a_recorded_one_on_all_cpus_is_no_finding():
    assert verdicts(RULE, recorded("steady-work-usual")) == []


def test_without_time_in_the_queue_it_is_unknown():
    assert verdicts(RULE, without(recorded("steady-work-usual"), "service_run_delay")) is None
