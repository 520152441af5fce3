"""What runs come to: how often the cause came first, what came beside it, how long it took, and how sure it was."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from diagnose.correlate.interval import wilson
from tests.faults.results import Found, Result

SURE = 0.9
ALARMING = 0.8


def table(results: Sequence[Result]) -> str:
    """Lines for people: each figure with its n, shares with their 95 % Wilson interval."""
    faulty = [each for each in results if each.truth]
    benign = [each for each in results if not each.truth]
    lines = [
        _share("the cause comes first", [is_first(each) for each in faulty]),
        _share("the cause is among the first three", [is_in_top_three(each) for each in faulty]),
        _share("of two causes both are, and the dearer comes first", pairs(faulty)),
        _share("benign runs without any finding", [not each.findings for each in benign]),
        f"findings at {ALARMING:.0%} or more on benign runs: {sum(map(_alarms, benign))}",
        f"findings beside the cause, a run: {surplus(faulty):.2f} (n = {len(faulty)})",
        _share(f"right when it says {SURE:.0%} or more", _right_when_sure(results)),
        f"Brier score: {brier(results):.3f}",
        _delays(faulty),
        *_followed(faulty),
    ]
    missed = [
        f"  missed: {each.case} {each.intensity} round {each.round}" for each in faulty if not is_first(each)
    ]
    noisy = [
        f"  noisy: {each.case} {each.intensity}: {_names(each.surplus)}" for each in results if each.surplus
    ]
    return "\n".join([*lines, *missed, *noisy])


def _followed(faulty: Sequence[Result]) -> list[str]:
    """Of the runs whose first recommendation was followed to the letter."""
    outcomes = [is_improved(each) for each in faulty if each.proof]
    return [_share("removed by the first recommendation, and proved", outcomes)] if outcomes else []


def is_improved(result: Result) -> bool:
    return result.proof.startswith("improved")


def is_first(result: Result) -> bool:
    return result.top is not None and result.top.rule in result.truth


def is_in_top_three(result: Result) -> bool:
    return any(each.rule in result.truth for each in result.roots[:3])


def pairs(faulty: Sequence[Result]) -> list[bool]:
    """Of runs with two faults at once, whether both are told as they cost."""
    return [
        is_first(each) and any(found.rule in each.also for found in each.roots[:3])
        for each in faulty
        if each.also
    ]


def surplus(faulty: Sequence[Result]) -> float:
    """Root causes beside the true one, a run."""
    return sum(len(each.surplus) for each in faulty) / len(faulty) if faulty else 0.0


def brier(results: Sequence[Result]) -> float:
    """Mean squared distance of what root causes claim from whether they were true; symptoms claim no cause."""
    claims = [(each.confidence, each.rule in result.causes) for result in results for each in result.roots]
    return statistics.fmean((sure - right) ** 2 for sure, right in claims) if claims else 0.0


def _right_when_sure(results: Sequence[Result]) -> list[bool]:
    return [
        each.rule in result.causes for result in results for each in result.roots if each.confidence >= SURE
    ]


def _alarms(result: Result) -> int:
    return sum(each.confidence >= ALARMING for each in result.findings)


def _share(what: str, outcomes: Sequence[bool]) -> str:
    if not outcomes:
        return f"{what}: no runs"
    low, high = wilson(sum(outcomes), len(outcomes))
    share = sum(outcomes) / len(outcomes)
    return f"{what}: {share:.0%} ({low:.0%}–{high:.0%}, n = {len(outcomes)})"


def _delays(faulty: Sequence[Result]) -> str:
    known = sorted(each.after_seconds for each in faulty if each.after_seconds is not None)
    if not known:
        return "from the onset to the finding: no runs"
    worst = known[min(len(known) - 1, int(0.95 * len(known)))]
    middle = statistics.median(known)
    return f"from the onset to the finding: median {middle:.0f} s, p95 {worst:.0f} s (n = {len(known)})"


def _names(found: Sequence[Found]) -> str:
    return ", ".join(f"{each.rule} {each.confidence:.0%}" for each in found)
