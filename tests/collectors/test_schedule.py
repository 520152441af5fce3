"""When probes are due."""

from __future__ import annotations

import itertools
import math

import pytest

from collectors.schedule import MAX_BACKOFF_SECONDS, NO_DATA_SECONDS, Result, Schedule


class Every5:
    NAME, METRICS, COST, INTERVAL_SECONDS = "every5", (), "cheap", 5.0

    def collect(self, host):
        yield from ()


class Every1(Every5):
    NAME, INTERVAL_SECONDS = "every1", 1.0


def probe(name: str) -> Every5:
    """One of that name."""
    made = Every5()
    made.NAME = name
    return made


def runs(schedule: Schedule, until: float, results=None) -> dict[str, list[float]]:
    """Times at which each probe ran when every run takes no time."""
    found: dict[str, list[float]] = {}
    now = 0.0
    while (now := max(now, schedule.next_due())) <= until:
        probe = schedule.pop_due(now)
        found.setdefault(probe.NAME, []).append(now)
        schedule.done(probe.NAME, (results or {}).get(probe.NAME, Result.OK), now)
    return found


def test_a_second_reading_follows_after_half_a_second_and_then_the_interval():
    assert runs(Schedule([Every5()], 0.0), 20)["every5"] == [0, 0.5, 5.5, 10.5, 15.5]


def test_probes_run_side_by_side_at_their_own_intervals():
    found = runs(Schedule([Every5(), Every1()], 0.0), 10)
    assert found["every1"] == [0, *(0.5 + second for second in range(10))]
    assert found["every5"] == [0, 0.5, 5.5]


def test_a_late_run_keeps_its_phase_and_missed_ones_are_not_made_up_for():
    schedule = Schedule([Every1()], 0.0)
    for now in (0.0, 1.0):
        schedule.pop_due(now)
        schedule.done("every1", Result.OK, now)
    schedule.pop_due(2.0)
    schedule.done("every1", Result.OK, 5.4)
    assert schedule.next_due() == pytest.approx(5.5)


def test_a_running_probe_is_not_due_again():
    schedule = Schedule([Every1()], 0.0)
    assert schedule.pop_due(0.0) is not None
    assert schedule.pop_due(100.0) is None
    assert schedule.next_due() == math.inf


@pytest.mark.parametrize("trouble", [Result.FAILED, Result.TIMED_OUT])
def test_a_failing_probe_is_asked_less_and_less_often(trouble):
    times = runs(Schedule([Every5()], 0.0), 2000, {"every5": trouble})["every5"]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps[:3] == [10, 20, 40]
    assert gaps[-1] == MAX_BACKOFF_SECONDS


def test_a_probe_without_data_is_asked_rarely_from_the_start():
    times = runs(Schedule([Every1()], 0.0), 400, {"every1": Result.NO_DATA})["every1"]
    assert times[1] >= NO_DATA_SECONDS


def test_a_probe_that_waits_for_another_is_asked_again_soon():
    times = runs(Schedule([Every1()], 0.0), 10, {"every1": Result.NOT_YET})["every1"]
    assert times[1] <= 2


def test_a_probe_that_recovered_is_back_at_its_interval():
    schedule = Schedule([Every1()], 0.0)
    schedule.pop_due(0.0)
    schedule.done("every1", Result.FAILED, 0.0)
    schedule.pop_due(2.0)
    schedule.done("every1", Result.OK, 2.0)
    assert schedule.next_due() == pytest.approx(3.0)


def test_a_slowdown_stretches_the_intervals():
    schedule = Schedule([Every5()], 0.0)
    schedule.slowdown = 2.0
    assert runs(schedule, 25)["every5"] == [0, 0.5, 10.5, 20.5]


def test_the_dearest_probes_rest_and_wake_in_the_opposite_order():
    probes = [probe("cheap"), probe("dear"), probe("dearest")]
    schedule = Schedule(probes, 0.0)
    for _ in range(3):
        schedule.pop_due(0.0)
    for name, seconds in (("cheap", 0.001), ("dear", 0.1), ("dearest", 0.2)):
        schedule.done(name, Result.OK, 0.0, seconds)
    assert schedule.suspend(1) == ["dearest"]
    assert schedule.suspend(2) == ["dear"]
    assert [schedule.pop_due(100.0).NAME, schedule.pop_due(100.0)] == ["cheap", None]
    assert schedule.suspend(1) == []
    assert schedule.pop_due(100.0).NAME == "dear"


def test_more_cannot_rest_than_there_are():
    schedule = Schedule([probe("only")], 0.0)
    schedule.pop_due(0.0)
    schedule.done("only", Result.OK, 0.0, 0.1)
    assert schedule.suspend(5) == ["only"]
    assert schedule.next_due() == math.inf
