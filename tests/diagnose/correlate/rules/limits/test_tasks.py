"""limits.tasks: a control group at its limit, which refuses."""

import pytest

from diagnose.correlate.rule import TaskLimit
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "limits.tasks"
GROUP = {"cgroup": "/system.slice/shop.service", "service": "shop.service"}


def window(tasks, limit, refused):
    readings = {"cgroup_tasks": [(GROUP, [tasks] * 3)], "cgroup_tasks_limit": [(GROUP, [limit] * 3)]}
    if refused is not None:
        readings["cgroup_tasks_refused_total"] = [(GROUP, [refused] * 3)]
    return synthetic(readings, step=10.0)


def test_a_recorded_pool_that_may_not_grow_is_told_with_its_group():
    verdict = the_verdict(RULE, recorded("task-limit-few"))
    assert verdict.subject.service == "spin.py"
    assert "30 of 30 tasks" in verdict.headline
    assert any("limits.conf" in each.action for each in verdict.will_not_help)


def test_many_recorded_tasks_below_the_limit_are_no_finding():
    assert verdicts(RULE, recorded("many-tasks-usual")) == []


def test_without_control_groups_it_is_unknown():
    assert verdicts(RULE, without(recorded("task-limit-few"), "cgroup_")) is None


def test_a_unit_gets_twice_its_limit_tasks():
    changes = [each.change for each in the_verdict(RULE, window(100.0, 100.0, 5.0)).recommendations]
    assert TaskLimit("shop.service", GROUP["cgroup"], 100, 256) in changes


@pytest.mark.parametrize(("tasks", "refused"), [(50.0, 0.0), (50.0, 30.0), (96.0, 0.0)])
def test_room_that_is_left_is_no_finding(tasks, refused):
    """Refusals below the limit are another group's above, or memory's."""
    assert verdicts(RULE, window(tasks, 100.0, refused)) == []


def test_a_group_without_a_limit_is_not_judged():
    readings = {"cgroup_tasks": [(GROUP, [5000.0] * 3)]}
    assert verdicts(RULE, synthetic(readings, step=10.0)) == []
