"""limits.system_fds: the sum of all processes against fs.file-max."""

import pytest

from diagnose.correlate.rule import Sysctl
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "limits.system_fds"


def window(allocated, maximum=100_000.0):
    readings = {"filefd_allocated": [({}, [allocated] * 3)], "filefd_maximum": [({}, [maximum] * 3)]}
    return synthetic(readings, step=10.0, facts={"memory.total_bytes": str(8 << 30)})


def test_a_limit_that_somebody_lowered_is_put_back_to_what_memory_allows():
    changes = [each.change for each in the_verdict(RULE, window(99_000.0)).recommendations]
    assert Sysctl("fs.file-max", 100_000, (8 << 30) // 10_240) in changes


def test_less_than_now_is_never_proposed():
    changes = [each.change for each in the_verdict(RULE, window(9.9e6, 1e7)).recommendations]
    assert all(change.proposed > change.current for change in changes if isinstance(change, Sysctl))


@pytest.mark.parametrize("name", ["idle-connections-3000", "steady-work-usual"])
def test_recorded_hosts_with_room_are_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_file_nr_it_is_unknown():
    assert verdicts(RULE, without(window(99_000.0), "filefd_")) is None


def test_nothing_fails_yet_at_nine_tenths():
    verdict = the_verdict(RULE, window(92_000.0))
    assert verdict.explains == ()
    assert verdict.impact.share < 0.5
