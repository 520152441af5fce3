"""Scores of runs: what counts as first, as surplus, and as sure."""

from __future__ import annotations

import dataclasses

import pytest

from tests.faults import score
from tests.faults.results import Found, Result, Results

TRUE, OTHER = "network.packet_loss", "network.high_rtt"


def found(rule: str, confidence: float = 0.9, rank: int = 1, cause: str = "") -> Found:
    return Found(rule, confidence, rank, cause, rule, 10.0)


def result(
    *findings: Found, truth: tuple[str, ...] = (TRUE,), after: float | None = 10.0, number: int = 0
) -> Result:
    return Result("case", "family", "usual", number, truth, after, findings, "2026-01-01", 50.0, 1.0, "6.1")


def test_the_root_with_the_best_rank_comes_first():
    assert score.is_first(result(found(OTHER, rank=2), found(TRUE, rank=1)))
    assert not score.is_first(result(found(OTHER, rank=1), found(TRUE, rank=2)))


def test_a_true_rule_that_is_folded_under_another_is_not_first():
    assert not score.is_first(result(found(OTHER), found(TRUE, cause=OTHER, rank=0)))


def test_symptoms_under_the_cause_are_no_surplus():
    assert result(found(TRUE), found(OTHER, cause=TRUE, rank=0)).surplus == []
    assert [each.rule for each in result(found(TRUE), found(OTHER, rank=2)).surplus] == [OTHER]


def test_of_two_causes_both_are_told_and_the_dearer_first():
    both = [found(TRUE, rank=1), found(OTHER, rank=2)]
    two = dataclasses.replace(result(*both), also=(OTHER,))
    turned = dataclasses.replace(two, truth=(OTHER,), also=(TRUE,))
    assert score.pairs([two, result(*both)]) == [True]
    assert score.pairs([turned, dataclasses.replace(two, findings=(both[0],))]) == [False, False]
    assert two.surplus == []


def test_the_brier_score_is_0_for_the_certain_and_right_and_1_for_the_certain_and_wrong():
    assert score.brier([result(found(TRUE, 1.0))]) == 0
    assert score.brier([result(found(OTHER, 1.0))]) == 1


def test_a_finding_on_a_benign_run_is_wrong():
    assert score.brier([result(found(OTHER, 0.5), truth=())]) == pytest.approx(0.25)


def test_shares_are_told_with_their_interval_and_number():
    text = score.table([result(found(TRUE)), result(found(OTHER)), result(truth=(), after=None)])
    assert "the cause comes first: 50% (9%–91%, n = 2)" in text
    assert "benign runs without any finding: 100%" in text
    assert "missed: case usual round 0" in text


def test_runs_are_read_back_and_a_line_that_was_cut_off_is_passed_over(tmp_path):
    results = Results(tmp_path)
    results.add(result(found(TRUE)))
    results.add(result(found(TRUE), number=1))
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write('{"case": "ca')
    assert [each.key for each in Results(tmp_path).read()] == [("case", "usual", 0), ("case", "usual", 1)]


def test_a_run_that_was_made_again_replaces_the_one_before(tmp_path):
    results = Results(tmp_path)
    results.add(result(found(OTHER)))
    results.add(result(found(TRUE)))
    (only,) = results.read()
    assert score.is_first(only)
