"""The corpus itself: cases say what they are, and what they look like."""

from __future__ import annotations

import pytest

from diagnose.correlate.catalogue import all_rules
from tests.faults.corpus import all_cases

CASES = all_cases()
NAMES = {case.name for case in CASES}


def test_names_are_used_once():
    assert len(NAMES) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_has_a_story_intensities_and_a_fix_unless_it_is_healthy(case):
    assert case.story
    assert case.intensities
    assert bool(case.fix) == bool(case.truth)
    assert not case.lookalike_of or case.lookalike_of in NAMES
    assert case.patience_seconds <= 150  # two minutes are what an objective may be missed for


def test_each_cause_is_a_rule():
    rules = {rule.id for rule in all_rules()}
    assert {rule for case in CASES for rule in case.truth + case.also} <= rules


def test_there_are_eight_pairs_of_two_faults_at_once_with_different_causes():
    pairs = [case for case in CASES if case.also]
    assert len(pairs) >= 8
    assert not any(set(case.truth) & set(case.also) for case in pairs)


def test_there_are_lookalikes_and_healthy_hosts():
    assert sum(bool(case.lookalike_of) for case in CASES) >= 10
    assert sum(case.benign for case in CASES) >= 8
