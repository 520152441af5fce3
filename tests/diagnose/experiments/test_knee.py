"""Capacity from steps of load, and limits that a run has to hold."""

import pytest

from diagnose.experiments.gates import Gate, hold
from diagnose.experiments.knee import knee
from diagnose.experiments.loadtests.result import Step


def steps(*points):
    return [Step(rate, {0.95: seconds}) for rate, seconds in points]


def queue(capacity, rates):
    """An M/M/1 queue's answer times, which double when half of the capacity is used."""
    return steps(*((rate, 1 / (capacity - rate)) for rate in rates))


def test_the_knee_of_a_queue_is_at_half_of_its_capacity():
    found = knee(queue(1000, range(100, 1000, 100)))
    assert found.reached
    assert found.rate == 500
    assert found.highest_rate == 900


def test_a_test_that_ended_before_says_so():
    found = knee(queue(10_000, range(100, 600, 100)))
    assert not found.reached
    assert found.rate == 500


@pytest.mark.parametrize("points", [[], [(100, 0.1)], [(100, 0.1), (200, 0.1)]])
def test_without_a_curve_there_is_no_knee(points):
    assert knee(steps(*points)) is None


def test_gates_pass_fail_and_never_pass_what_was_not_measured():
    gates = [Gate("latency_p99", 0.08), Gate("errors", 0.01), Gate("leak", 1.0)]
    held = hold(gates, {"latency_p99": 0.05, "errors": 0.02})
    assert [each.outcome for each in held] == ["passed", "failed", "not measured"]
