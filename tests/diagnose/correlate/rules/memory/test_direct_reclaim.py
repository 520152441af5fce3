"""memory.direct_reclaim: tasks that free memory themselves; windows of hosts that are short of it are made by hand."""

import pytest

from diagnose.correlate.rule import Sysctl
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "memory.direct_reclaim"
MIB = 1024.0**2


def window(stalls=1000.0, scanned=50_000.0, background=0.0, waiting=0.5, available=1024.0):
    """Five-second passes."""
    return synthetic(
        {
            "memory_MemTotal_bytes": [({}, [8192 * MIB] * 8)],
            "memory_MemAvailable_bytes": [({}, [available * MIB] * 8)],
            "vmstat_allocstall": [({}, [stalls] * 8)],
            "vmstat_pgscan_direct": [({}, [scanned] * 8)],
            "vmstat_pgscan_kswapd": [({}, [background] * 8)],
            "pressure_memory_waiting_seconds_total": [({}, [waiting] * 8)],
        },
        step=5.0,
        facts={"sysctl.vm.watermark_scale_factor": "10"},
    )


def test_stalls_are_found_with_watermarks_that_begin_earlier():
    verdict = the_verdict(RULE, window())
    assert "200 times a second" in verdict.headline
    (change,) = (each.change for each in verdict.recommendations if isinstance(each.change, Sysctl))
    assert (change.name, change.current, change.proposed) == ("vm.watermark_scale_factor", 10, 100)


def test_with_nothing_left_to_free_no_watermark_is_proposed():
    verdict = the_verdict(RULE, window(available=100.0))
    assert not any(isinstance(each.change, Sysctl) for each in verdict.recommendations)
    assert any("watermark" in each.action for each in verdict.will_not_help)


@pytest.mark.parametrize("odd", [{"stalls": 2.0}, {"stalls": 0.0, "scanned": 0.0, "background": 1e6}])
def test_a_stall_now_and_then_and_work_in_the_background_are_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


def test_a_recorded_group_at_its_own_limit_is_no_finding():
    assert verdicts(RULE, recorded("small-memory-limit-half")) == []


def test_without_vmstat_it_is_unknown():
    assert verdicts(RULE, without(recorded("small-memory-limit-half"), "vmstat_", "pressure_")) is None
