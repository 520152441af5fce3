"""memory.cgroup_limit: pages that are needed again, with the group at its limit."""

import pytest

from diagnose.correlate.rule import MemoryLimit
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "memory.cgroup_limit"
MIB = 1024.0**2
GROUP = {"cgroup": "/system.slice/shop.service", "service": "shop.service"}


def window(refaults=20_000.0, usage=63.0, limit=64.0):
    """Ten-second passes."""
    readings = {
        "cgroup_memory_usage_bytes": [(GROUP, [usage * MIB] * 4)],
        "cgroup_memory_refaults_total": [(GROUP, [refaults] * 4)],
    }
    if limit:
        readings["cgroup_memory_limit_bytes"] = [(GROUP, [limit * MIB] * 4)]
    return synthetic(readings, step=10.0)


def test_pages_that_are_read_again_at_the_limit_are_found_with_a_limit_for_them():
    verdict = the_verdict(RULE, window())
    assert "2,000 pages/s" in verdict.headline
    (limit,) = (each.change for each in verdict.recommendations if isinstance(each.change, MemoryLimit))
    assert limit.proposed == pytest.approx(64 * MIB + 20_000 * 4096, rel=0.01)
    assert any("faster disk" in each.action for each in verdict.will_not_help)


@pytest.mark.parametrize("odd", [{"refaults": 100.0}, {"usage": 30.0}, {"limit": 0.0}])
def test_a_few_refaults_room_to_spare_and_no_limit_are_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


def test_pages_that_come_back_from_swap_are_another_rules():
    assert verdicts(RULE, recorded("swap-thrash-half")) == []


def test_a_recorded_group_that_is_too_small_is_found():
    assert the_verdict(RULE, recorded("small-memory-limit-half")).subject.cgroup


def test_a_recorded_group_that_is_full_of_page_cache_nobody_misses_is_no_finding():
    assert verdicts(RULE, recorded("reads-a-large-file-once-usual")) == []


def test_without_control_groups_it_is_unknown():
    assert verdicts(RULE, without(recorded("small-memory-limit-half"), "cgroup_")) is None
