"""Two findings of one host that want the same setting changed: to one value, or in opposite directions.

In one direction the farther value serves both. In opposite ones only the heavier finding's advice stays; the other's
is withdrawn, with the reason, until that one is solved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from diagnose.correlate.change import Change, Code, Inspect
from diagnose.correlate.engine import Judgement
from diagnose.correlate.rule import Recommendation, WillNotHelp
from diagnose.findings.advice.targets import target_of

# What becomes of a recommendation, by the judgement's index and its place there.
_Edits = dict[tuple[int, int], Recommendation | WillNotHelp]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What one recommendation of one judgement wants: `value` beyond (or short of) `now`."""

    judgement: int
    place: int
    now: float
    value: float
    weight: float

    @property
    def raises(self) -> bool:
        return self.value > self.now


def settled(judgements: Sequence[Judgement]) -> tuple[Judgement, ...]:
    """The judgements with one wish for each setting."""
    groups: dict[tuple[str, str], list[_Wish]] = {}
    for target, wish in _wishes(judgements):
        groups.setdefault(target, []).append(wish)
    edits: _Edits = {}
    for group in groups.values():
        if len({wish.judgement for wish in group}) > 1:
            edits |= _settle(group, judgements)
    return tuple(_edited(each, index, edits) for index, each in enumerate(judgements))


def _wishes(judgements: Sequence[Judgement]) -> Iterator[tuple[tuple[str, str], _Wish]]:
    for index, judgement in enumerate(judgements):
        weight = judgement.verdict.impact.share * judgement.confidence
        for place, advice in enumerate(judgement.verdict.recommendations):
            values = numbers_of(advice.change)
            if values:
                target = target_of(advice.change)
                yield (target.kind, target.target), _Wish(index, place, *values, weight)


def numbers_of(change: Change) -> tuple[float, float] | None:
    """Value of now and the proposed one, where both are one number."""
    if isinstance(change, Code | Inspect):
        return None
    try:
        return float(change.current), float(change.proposed)
    except ValueError:
        return None


def _settle(group: list[_Wish], judgements: Sequence[Judgement]) -> _Edits:
    heaviest = max(group, key=lambda wish: wish.weight)
    along = [wish for wish in group if wish.raises == heaviest.raises]
    farthest = max(along, key=lambda wish: abs(wish.value - wish.now))
    edits: _Edits = {}
    for wish in group:
        if wish.raises != heaviest.raises:
            edits[wish.judgement, wish.place] = _withdrawn(wish, heaviest, judgements)
        elif wish.value != farthest.value:
            edits[wish.judgement, wish.place] = _serving_both(wish, farthest, judgements)
    return edits


def _advice(wish: _Wish, judgements: Sequence[Judgement]) -> Recommendation:
    return judgements[wish.judgement].verdict.recommendations[wish.place]


def _serving_both(wish: _Wish, farthest: _Wish, judgements: Sequence[Judgement]) -> Recommendation:
    mine, best = _advice(wish, judgements), _advice(farthest, judgements)
    value = target_of(best.change).proposed
    formula = f"{mine.formula}; {judgements[farthest.judgement].rule} needs {value}, which serves both"
    return replace(mine, change=best.change, formula=formula)


def _withdrawn(wish: _Wish, heaviest: _Wish, judgements: Sequence[Judgement]) -> WillNotHelp:
    mine, theirs = (target_of(_advice(each, judgements).change) for each in (wish, heaviest))
    reason = (
        f"{judgements[heaviest.judgement].rule}, which weighs more here, needs {theirs.proposed}: that pulls the other "
        "way. Solve that first, and look again"
    )
    return WillNotHelp(f"set {mine.target} to {mine.proposed} now", reason)


def _edited(judgement: Judgement, index: int, edits: _Edits) -> Judgement:
    verdict = judgement.verdict
    every = [edits.get((index, place), each) for place, each in enumerate(verdict.recommendations)]
    kept = tuple(each for each in every if isinstance(each, Recommendation))
    withdrawn = tuple(each for each in every if isinstance(each, WillNotHelp))
    will_not_help = (*verdict.will_not_help, *withdrawn)
    return replace(judgement, verdict=replace(verdict, recommendations=kept, will_not_help=will_not_help))
