"""cpu.cgroup_throttling: time for which a group was held back, not how often."""

import pytest

from diagnose.correlate.rule import Workers
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "cpu.cgroup_throttling"
GROUP = {"cgroup": "/system.slice/shop.service", "service": "shop.service"}


def window(held=6.0, throttled=80.0, periods=100.0, labels=GROUP):
    """Ten-second passes."""
    readings = {
        "cgroup_cpu_limit_cores": [(labels, [0.5] * 4)],
        "cgroup_cpu_usage_seconds_total": [(labels, [4.9] * 4)],
        "cgroup_cpu_periods_total": [(labels, [periods] * 4)],
        "cgroup_cpu_throttled_periods_total": [(labels, [throttled] * 4)],
        "cgroup_cpu_throttled_seconds_total": [(labels, [held] * 4)],
    }
    return synthetic(readings, step=10.0, facts={"cpu.count": "4"})


def test_a_group_that_is_held_back_gets_a_quota_or_fewer_workers():
    verdict = the_verdict(RULE, window())
    assert verdict.subject.cgroup == GROUP["cgroup"]
    assert "80 % of the periods" in verdict.headline
    assert any(isinstance(each.change, Workers) for each in verdict.recommendations)
    change = verdict.recommendations[0].change
    assert (change.cgroup, change.current) == (GROUP["cgroup"], 0.5)
    assert 0.9 < change.proposed < 4
    assert any("more threads" in each.action for each in verdict.will_not_help)


def test_a_recorded_quota_with_room_is_no_finding():
    assert verdicts(RULE, recorded("quota-with-room-usual")) == []


def test_without_control_groups_it_is_unknown():
    assert verdicts(RULE, without(recorded("quota-with-room-usual"), "cgroup_")) is None


@pytest.mark.parametrize("more", [{"held": 0.02, "throttled": 86.0}, {"periods": 3.0}, {"throttled": 1.0}])
def test_many_periods_for_a_moment_each_a_group_at_rest_and_one_odd_period_are_no_finding(more):
    """Measured after a remedy: 86 % of periods, 1.6 ms a second."""
    assert verdicts(RULE, window(**more)) == []


def test_the_collectors_own_samplers_are_held_back_on_purpose_and_not_told():
    assert verdicts(RULE, window(labels={"cgroup": "/diagnose-stacks-17", "service": "py-spy"})) == []
