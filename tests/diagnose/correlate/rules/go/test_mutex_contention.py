"""go.mutex_contention: goroutines in line at one lock."""

import pytest

from tests.diagnose.correlate.rules.go import programs
from tests.diagnose.correlate.rules.go.programs import HANDLE, LOCKED, NOTIFIED, READS, STEPS
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "go.mutex_contention"
AT_LOCK, AT_WORK = (HANDLE, *LOCKED), (HANDLE, *READS)


def window(*profiles, number=30.0):
    return programs.window({"go_goroutines": [number] * STEPS}, profiles=profiles)


def test_goroutines_in_line_are_found_with_the_line():
    verdict = the_verdict(RULE, window(programs.goroutines((AT_LOCK, 25), (AT_WORK, 5))))
    assert "25 goroutines of shop (pid 41) wait for one lock in main.reserve (main.go:43)" in verdict.headline
    assert verdict.unknown[0].what == "who holds the lock"


def test_the_holder_is_named_where_the_program_counts_it():
    seconds = programs.goroutines((AT_LOCK, 300_000_000_000), kind="mutex")
    verdict = the_verdict(RULE, window(programs.goroutines((AT_LOCK, 25), (AT_WORK, 5)), seconds))
    assert not verdict.unknown
    assert any("others waited 5 s in each second" in each.text for each in verdict.evidence)


@pytest.mark.parametrize(
    "stacks",
    [((AT_LOCK, 2), (AT_WORK, 40)), ((NOTIFIED, 200), (AT_WORK, 20)), ((AT_LOCK, 2), (AT_WORK, 1))],
    ids=["a few meet", "channels", "few goroutines"],
)
def test_goroutines_that_wait_for_work_or_meet_now_and_then_are_no_finding(stacks):
    number = float(sum(count for _, count in stacks))
    assert verdicts(RULE, window(programs.goroutines(*stacks), number=number)) == []


def test_a_recorded_lock_is_found():
    assert "main.reserve" in the_verdict(RULE, recorded("go-mutex-5ms")).headline


def test_recorded_goroutines_that_wait_for_channels_are_no_finding():
    assert verdicts(RULE, recorded("goroutine-leak-fast")) == []


def test_without_stacks_of_goroutines_it_is_unknown():
    assert verdicts(RULE, without(recorded("go-mutex-5ms"), profiles=["goroutine"])) is None
