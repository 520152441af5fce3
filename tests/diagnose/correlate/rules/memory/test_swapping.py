"""memory.swapping: pages that go and come back, not pages that lie there."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "memory.swapping"
MIB = 1024.0**2
PROCESS = {"pid": "41", "service": "shop"}


def window(pages_in=5000.0, pages_out=5000.0, faults=5000.0):
    """Five-second passes, so a thousand a second."""
    return synthetic(
        {
            "memory_MemTotal_bytes": [({}, [8192 * MIB] * 8)],
            "memory_MemAvailable_bytes": [({}, [100 * MIB] * 8)],
            "memory_SwapTotal_bytes": [({}, [2048 * MIB] * 8)],
            "memory_SwapFree_bytes": [({}, [1024 * MIB] * 8)],
            "vmstat_pswpin": [({}, [pages_in] * 8)],
            "vmstat_pswpout": [({}, [pages_out] * 8)],
            "vmstat_pgmajfault": [({}, [faults] * 8)],
            "process_swap_bytes": [(PROCESS, [300 * MIB] * 8)],
            "process_major_faults_total": [(PROCESS, [faults] * 8)],
        },
        step=5.0,
    )


def test_traffic_both_ways_is_found_and_names_who_waits():
    verdict = the_verdict(RULE, window())
    assert verdict.subject.pid == 41
    assert "1,000 pages/s" in verdict.headline
    assert any("more swap" in each.action for each in verdict.will_not_help)


@pytest.mark.parametrize(
    "odd", [{"pages_in": 0.0}, {"pages_out": 0.0}, {"pages_in": 50.0, "pages_out": 50.0}]
)
def test_pages_that_only_go_or_only_come_or_hardly_move_are_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


def test_recorded_swapping_is_found():
    assert verdicts(RULE, recorded("swap-thrash-half"))


def test_recorded_old_pages_in_swap_are_no_finding():
    assert verdicts(RULE, recorded("old-pages-in-swap-usual")) == []


def test_without_the_hosts_memory_it_is_unknown():
    assert verdicts(RULE, without(recorded("swap-thrash-half"), "memory_")) is None
