"""The fault corpus as figures: recorded runs judged again, and live runs where there are results of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bench._results import Row, row
from tests.faults import score
from tests.faults.beside.score import OURS, Figures, compared
from tests.faults.replay import BUNDLES, replayed
from tests.faults.results import Result, Results

LIVE = Path(__file__).resolve().parents[1] / "data" / "faults"
BESIDE = LIVE.with_name("faults-beside")


def rows() -> list[Row]:
    """Recorded runs, and those that `make faults` and `make faults-beside` left."""
    recorded = [replayed(path) for path in BUNDLES]
    return [*_rows("recorded", recorded), *_rows("live", _live(LIVE)), *_beside(_live(BESIDE))]


def _live(folder: Path) -> list[Result]:
    return Results(folder).read() if folder.exists() else []


def _beside(results: Sequence[Result]) -> list[Row]:
    """Ours, and beside it what other monitors reached on the same runs."""
    found = compared(results)
    if not found:
        return []
    ours = found[OURS]
    n = f"beside_others_{ours.faulty}_faulty_{ours.benign}_benign_runs"

    def figure(name: str, better: str, of: Callable[[Figures], float], unit: str = "%") -> Row:
        peers = {peer: [of(figures)] for peer, figures in found.items() if peer != OURS}
        return row(f"{n}_{name}", [of(ours)], unit, better, None, peers)

    return [
        figure("cause_named", "higher", lambda each: 100 * each.named),
        figure("nothing_said", "lower", lambda each: 100 * each.silent),
        figure("said_beside_it_a_faulty_run", "lower", lambda each: each.surplus, ""),
        figure("benign_without_a_word", "higher", lambda each: 100 * each.quiet),
    ]


def _rows(kind: str, results: Sequence[Result]) -> list[Row]:
    faulty = [each for each in results if each.truth]
    benign = [each for each in results if not each.truth]
    if not faulty or not benign:
        return []
    n = f"{kind}_{len(faulty)}_faulty_{len(benign)}_benign_runs"
    found = [
        _percent(f"{n}_cause_first", [score.is_first(each) for each in faulty], 95),
        _percent(f"{n}_cause_in_top_three", [score.is_in_top_three(each) for each in faulty], 100),
        _percent(f"{n}_benign_without_findings", [not each.findings for each in benign], 95),
        *_pairs(f"{n}_two_causes_dearer_first", score.pairs(faulty)),
        row(f"{n}_surplus_findings_a_faulty_run", [score.surplus(faulty)], "", "lower", 0.2),
        row(f"{n}_brier_score", [score.brier(results)], "", "lower", 0.08),
    ]
    proofs = [score.is_improved(each) for each in faulty if each.proof]
    if proofs:
        found.append(_percent(f"{kind}_{len(proofs)}_followed_runs_removed_and_proved", proofs, 90))
    seconds = [each.after_seconds for each in faulty if each.after_seconds is not None]
    return [*found, row(f"{n}_onset_to_finding", seconds, "s", "lower", 20)] if seconds else found


def _pairs(name: str, outcomes: Sequence[bool]) -> list[Row]:
    return [_percent(f"{name}_n_{len(outcomes)}", outcomes, 90)] if outcomes else []


def _percent(name: str, outcomes: Sequence[bool], target: float) -> Row:
    return row(name, [100 * sum(outcomes) / len(outcomes)], "%", "higher", target)
