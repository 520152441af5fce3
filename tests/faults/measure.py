"""What the model and each rule are worth on the recordings: the data that the Rules page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from diagnose.correlate.calibration import Band, Calibration, Half, Measured
from diagnose.correlate.confidence import Weights
from tests.faults import fit
from tests.faults.fit import Example
from tests.faults.results import Result

# The edges of what is claimed; few verdicts claim little.
EDGES = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0)
# Wrong verdicts in each half: with fewer, many weights fit equally well, and none is better known than the priors.
LEAST_WRONG = 10
RIGHT_WHEN_SURE, BRIER = 0.92, 0.08


def halves(found: Sequence[Example], priors: Weights) -> tuple[Half, ...]:
    """Each half of the families judged with weights of the other."""
    one, other = fit.halves(found)
    return tuple(_half(mine, others, fit.fit(mine, priors)) for mine, others in ((one, other), (other, one)))


def _half(mine: Sequence[Example], others: Sequence[Example], weights: Weights) -> Half:
    said, right = fit.claims(others, weights), _right(others)
    sure = said >= fit.SURE
    families = tuple(sorted({each.family for each in mine}))
    return Half(
        families,
        len(others),
        int((right == 0).sum()),
        brier(said, right),
        int(sure.sum()),
        int(right[sure].sum()),
    )


def doubt(found: Sequence[Half]) -> str:
    """Why fitted weights should not be used; empty when both halves speak for them."""
    few = min(half.wrong for half in found)
    if few < LEAST_WRONG:
        return (
            f"the weights are estimates made before: one half of the recordings has {few} wrong verdicts, and "
            f"{LEAST_WRONG} are the least that tell weights apart"
        )
    if any(half.brier > BRIER or half.right < RIGHT_WHEN_SURE * half.sure for half in found):
        return f"fitted weights do not hold on the other half: {RIGHT_WHEN_SURE:.0%} right when sure, Brier {BRIER}"
    return ""


def calibration(
    found: Sequence[Example], results: Sequence[Result], weights: Weights, checked: Sequence[Half]
) -> Calibration:
    """Of the weights in use."""
    said, right = fit.claims(found, weights), _right(found)
    return Calibration(
        recordings=len(results),
        examples=len(found),
        wrong=int((right == 0).sum()),
        brier=brier(said, right),
        why=doubt(checked) or "fitted to one half of the families of faults, and held on the other",
        halves=tuple(checked),
        reliability=tuple(bands(said, right)),
        rules=dict(sorted(by_rule(results).items())),
    )


def _right(found: Sequence[Example]) -> fit.Vector:
    return np.array([each.right for each in found], float)


def brier(said: fit.Vector, right: fit.Vector) -> float:
    return round(float(((said - right) ** 2).mean()), 4)


def bands(said: fit.Vector, right: fit.Vector) -> Iterator[Band]:
    """Those in which anything was claimed."""
    for low, high in pairwise(EDGES):
        inside = (said >= low) & ((said < high) | (high == EDGES[-1]))
        if inside.any():
            claimed = round(float(said[inside].mean()), 3)
            yield Band(low, high, claimed, int(inside.sum()), int(right[inside].sum()))


def by_rule(results: Sequence[Result]) -> dict[str, Measured]:
    """Of the runs as they ended; a finding that is folded under a cause is no claim of one."""
    runs, found, findings, right = (Counter[str]() for _ in range(4))
    for result in results:
        shown = {each.rule for each in result.findings}
        for rule in result.truth:
            # Where several rules are right about a case, one of them is enough.
            runs[rule] += rule in shown or not shown & set(result.truth)
            found[rule] += rule in shown
        for each in result.roots:
            findings[each.rule] += 1
            right[each.rule] += each.rule in result.truth
    rules = {rule for counted in (runs, findings) for rule, count in counted.items() if count}
    return {rule: Measured(runs[rule], found[rule], findings[rule], right[rule]) for rule in rules}
