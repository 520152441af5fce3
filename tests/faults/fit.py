"""Fits the weights of the confidence model to recorded runs: `python -m tests.faults.fit [FOLDER …]`.

Every recording is judged as it stood after some seconds and at its end. A verdict that nothing else explains is an
example: right when its rule is one of the case's truth. Half of the families fit the weights, the other half tells how
well they hold; then the other way round. The weights are pulled towards the priors, as by PRIOR examples of each, keep
their signs (more evidence for a cause never lowers its confidence). With --write what was measured is kept for the
Rules page, and the weights where both halves have enough wrong verdicts to tell weights apart, and bear them out.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diagnose.correlate import engine
from diagnose.correlate.confidence import Weights
from diagnose.correlate.interval import wilson
from diagnose.correlate.rule import Evidence
from tests.diagnose.correlate.windows import BUNDLES, parsed, until
from tests.faults.corpus import all_cases

KINDS, ROLES = ("supports", "contradicts", "missing"), ("decides", "separates", "corroborates")
CUTS_SECONDS = (30.0, 45.0, 60.0)
MARGINALS = (0.3, 0.4, 0.5, 0.6, 0.7)
# Pseudo-examples that hold each weight where the priors have it.
PRIOR = 2.0
STEPS, RATE = 4_000, 0.05
SURE = 0.9
FILE = Path(engine.__file__).with_name("confidence.json")
# Before any fitting: a deciding reading carries most, one that excludes a lookalike about half of that.
PRIORS = Weights(**json.loads(Path(__file__).with_name("priors.json").read_text()))
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """A verdict on a run: by kind and role how many lines it has, and the sum of their strengths."""

    family: str
    rule: str
    right: bool
    counts: Vector
    strengths: Vector

    def clarity(self, marginal: float) -> Vector:
        """Of each kind and role, as the model adds it up; what is missing has no strength."""
        clear = marginal * self.counts + (1 - marginal) * self.strengths
        return np.where(_IS_MISSING, self.counts, clear)


_IS_MISSING = np.array([kind == "missing" for kind in KINDS for _ in ROLES])
_SIGNS = np.array([1.0 if kind == "supports" else -1.0 for kind in KINDS for _ in ROLES])


def examples(folders: Sequence[Path]) -> Iterator[Example]:
    """Of all recordings whose name begins with a case and one of its intensities."""
    named = {f"{case.name}-{intensity}": case for case in all_cases() for intensity in case.intensities}
    for path in sorted(path for folder in folders for path in folder.glob("*.json.gz")):
        case = next((named[name] for name in named if path.name.startswith(name)), None)
        if case is None:
            continue
        whole = parsed(json.loads(gzip.decompress(path.read_bytes())))
        windows = [until(whole, seconds) for seconds in CUTS_SECONDS if seconds < whole.seconds] + [whole]
        for samples in windows:
            judged = engine.fold(engine.judge(samples)[0], engine.owners(samples))
            for each in judged:
                if each.explained_by is None:
                    counts, strengths = _sums(each.verdict.evidence)
                    yield Example(
                        case.family, each.rule, each.rule in case.truth + case.also, counts, strengths
                    )


def _sums(evidence: Sequence[Evidence]) -> tuple[Vector, Vector]:
    counts, strengths = np.zeros(9), np.zeros(9)
    for line in evidence:
        at = KINDS.index(line.kind) * 3 + ROLES.index(line.role)
        counts[at] += 1
        strengths[at] += line.strength
    return counts, strengths


def fit(found: Sequence[Example], priors: Weights) -> Weights:
    """The weights and the marginal part that make the examples likeliest."""
    fitted = [_fit(found, priors, marginal) for marginal in MARGINALS]
    return min(fitted, key=lambda weights: loss(found, weights))


def _fit(found: Sequence[Example], priors: Weights, marginal: float) -> Weights:
    """Logistic regression by projected gradient descent."""
    clarity = np.array([each.clarity(marginal) for each in found])
    right = np.array([each.right for each in found], float)
    prior = _vector(priors)
    weights, intercept = prior.copy(), priors.intercept
    for _ in range(STEPS):
        error = 1 / (1 + np.exp(-(intercept + clarity @ weights))) - right
        pull = PRIOR * (weights - prior) / np.maximum(np.abs(prior), 0.2)
        weights = weights - RATE * (clarity.T @ error + pull) / len(found)
        weights = _SIGNS * np.maximum(_SIGNS * weights, 0.05)
        intercept -= RATE * float(error.sum() + PRIOR * (intercept - priors.intercept)) / len(found)
    return _weights(priors, weights, intercept, marginal)


def _vector(weights: Weights) -> Vector:
    return np.array([weights.of(kind)[role] for kind in KINDS for role in ROLES])  # type: ignore[arg-type, index]


def _weights(priors: Weights, vector: Vector, intercept: float, marginal: float) -> Weights:
    rows = [dict(zip(ROLES, np.round(row, 2).tolist(), strict=True)) for row in vector.reshape(3, 3)]
    return dataclasses.replace(
        priors, intercept=round(intercept, 2), marginal=marginal, **dict(zip(KINDS, rows, strict=True))
    )


def claims(found: Sequence[Example], weights: Weights) -> Vector:
    """What the model says of each example."""
    clarity = np.array([each.clarity(weights.marginal) for each in found])
    return np.minimum(weights.highest, 1 / (1 + np.exp(-(weights.intercept + clarity @ _vector(weights)))))


def loss(found: Sequence[Example], weights: Weights) -> float:
    """Mean negative log-likelihood."""
    said, right = claims(found, weights), np.array([each.right for each in found])
    return float(-np.log(np.where(right, said, 1 - said).clip(1e-6)).mean())


def report(title: str, found: Sequence[Example], weights: Weights) -> str:
    """Brier score, and of what was claimed in each band how much was right, with its interval."""
    said, right = claims(found, weights), np.array([each.right for each in found], float)
    lines = [f"{title}: n = {len(found)}, {int(right.sum())} right, Brier {((said - right) ** 2).mean():.3f}"]
    for low, high in ((0.0, 0.5), (0.5, 0.7), (0.7, 0.8), (0.8, SURE), (SURE, 1.01)):
        inside = (said >= low) & (said < high)
        if inside.any():
            n, hits = int(inside.sum()), int(right[inside].sum())
            least, most = wilson(hits, n)
            lines.append(f"  {low:.0%}-{min(high, 1):.0%}: {hits} of {n} right ({least:.0%}-{most:.0%})")
    return "\n".join(lines)


def halves(found: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """By family, so that no case helps to judge itself."""
    families = sorted({each.family for each in found})
    first = set(families[::2])
    return [each for each in found if each.family in first], [
        each for each in found if each.family not in first
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, default=[BUNDLES])
    parser.add_argument(
        "--write", action="store_true", help=f"keep figures, and sound weights in {FILE.name}"
    )
    options = parser.parse_args()
    found = list(examples(options.folders))
    one, other = halves(found)
    for title, mine, others in (("odd families", one, other), ("even families", other, one)):
        weights = fit(mine, PRIORS)
        print(report(f"fitted on {title}, on themselves", mine, weights))
        print(report(f"fitted on {title}, on the others", others, weights))
    print(report("as it is, on all", found, engine.weights()))
    if options.write:
        _write(options.folders, found)


def _write(folders: Sequence[Path], found: Sequence[Example]) -> None:
    """What the model is worth; and the weights of one half, where there is enough to tell them by."""
    from tests.faults import measure, replay  # they take the fitting from here

    checked = measure.halves(found, PRIORS)
    doubt = measure.doubt(checked)
    weights = (
        PRIORS
        if doubt
        else dataclasses.replace(
            fit(halves(found)[0], PRIORS),
            calibrated=True,
            origin=f"fitted to {', '.join(checked[0].fitted_on)}",
        )
    )
    print(doubt or "the fitted weights are kept")
    paths = sorted(path for folder in folders for path in folder.glob("*.json.gz"))
    measured = measure.calibration(found, [replay.replayed(path) for path in paths], weights, checked)
    if not doubt:
        FILE.write_text(json.dumps(dataclasses.asdict(weights), indent=2) + "\n")
    FILE.with_name("calibration.json").write_text(json.dumps(dataclasses.asdict(measured), indent=1) + "\n")


if __name__ == "__main__":
    main()
