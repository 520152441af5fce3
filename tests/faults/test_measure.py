"""Precision and recall by rule, and bands of confidence, counted from runs."""

from __future__ import annotations

import numpy as np

from diagnose.correlate.calibration import Band, Measured
from tests.faults.measure import bands, by_rule
from tests.faults.results import Found, Result


def run(truth: tuple[str, ...], *found: tuple[str, str]) -> Result:
    """A run that ended with these findings, each with the rule it is folded under."""
    shown = tuple(Found(rule, 0.9, place, cause, "", 0.0) for place, (rule, cause) in enumerate(found, 1))
    return Result("a", "f", "i", 0, truth, None, shown, "", 60.0, 0.0, "")


def test_a_rule_is_measured_by_the_runs_of_its_cause_and_by_its_own_findings():
    results = [
        run(("gil",), ("gil", ""), ("queue", "gil")),
        run(("gil",), ("queue", "")),
        run(("queue",), ("queue", "")),
        run(()),
    ]
    assert by_rule(results) == {"gil": Measured(2, 1, 1, 1), "queue": Measured(1, 1, 2, 1)}


def test_where_either_of_two_rules_is_right_the_one_that_says_so_is_enough():
    results = [run(("stalled", "queue"), ("queue", "")), run(("stalled", "queue"))]
    assert by_rule(results) == {"queue": Measured(2, 1, 1, 1), "stalled": Measured(1, 0, 0, 0)}


def test_bands_count_what_was_claimed_in_them():
    found = list(bands(np.array([0.2, 0.95, 0.98, 1.0]), np.array([0.0, 1.0, 0.0, 1.0])))
    assert found == [Band(0.0, 0.3, 0.2, 1, 0), Band(0.9, 1.0, 0.977, 3, 2)]
