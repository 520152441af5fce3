"""Fitting the confidence model: it learns from runs, keeps its signs, and stays at the priors where runs are silent."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.correlate import engine
from tests.faults import fit
from tests.faults.fit import Example

PRIORS = engine.weights()


def example(right: bool, family: str = "a", **lines: float) -> Example:
    """`supports_decides=0.8` is one line of that strength."""
    counts, strengths = np.zeros(9), np.zeros(9)
    for name, strength in lines.items():
        kind, role = name.split("_")
        at = fit.KINDS.index(kind) * 3 + fit.ROLES.index(role)
        counts[at], strengths[at] = 1, strength
    return Example(family, "a.rule", right, counts, strengths)


def test_what_always_holds_makes_it_surer_and_what_never_does_less_sure():
    right = [example(True, supports_decides=1.0, supports_separates=1.0)] * 60
    wrong = [example(False, supports_decides=1.0, missing_separates=1.0)] * 60
    fitted = fit.fit([*right, *wrong], PRIORS)
    before, after = fit.claims([right[0], wrong[0]], PRIORS), fit.claims([right[0], wrong[0]], fitted)
    assert after[0] > before[0] > 0.8
    assert after[1] < 0.2 < before[1]
    assert fit.loss([*right, *wrong], fitted) < fit.loss([*right, *wrong], PRIORS)


def test_more_evidence_for_a_cause_never_lowers_its_confidence_whatever_the_runs_say():
    absurd = [example(False, supports_decides=1.0, supports_corroborates=1.0)] * 50
    absurd += [example(True, supports_decides=1.0, contradicts_separates=1.0)] * 50
    fitted = fit.fit(absurd, PRIORS)
    assert min(fitted.supports.values()) > 0
    assert max(*fitted.contradicts.values(), *fitted.missing.values()) < 0


def test_roles_that_no_run_has_keep_their_priors():
    fitted = fit.fit([example(True, supports_decides=1.0)] * 30, PRIORS)
    assert fitted.contradicts == pytest.approx(PRIORS.contradicts, abs=0.01)
    assert fitted.missing == pytest.approx(PRIORS.missing, abs=0.01)


def test_families_are_not_split_between_the_halves():
    found = [example(True, family=name) for name in "abcdeabcde"]
    one, other = fit.halves(found)
    assert {each.family for each in one} == {"a", "c", "e"}
    assert {each.family for each in other} == {"b", "d"}


def test_the_kept_recordings_give_examples_and_the_weights_in_use_judge_them_well():
    found = list(fit.examples([fit.BUNDLES]))
    right = np.array([each.right for each in found], float)
    assert len(found) >= 40
    assert ((fit.claims(found, PRIORS) - right) ** 2).mean() <= 0.08
