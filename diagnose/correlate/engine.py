"""Samples in, judgements out: derives the signals that rules name, checks the rules, weighs, and folds symptoms.

A rule whose signal could not be derived is *unknown*, with the reason; it never counts as passed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from diagnose.correlate import outlook
from diagnose.correlate.catalogue import all_rules, objectives
from diagnose.correlate.confidence import Weights, confidence
from diagnose.correlate.onset import Onset, of_evidence
from diagnose.correlate.rule import Unknown, Verdict
from diagnose.correlate.samples import Samples

# Probes read up to ten seconds apart: that far the order in which readings changed tells nothing.
READ_APART_NS = 10 * 10**9


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its rule and weight. `explained_by` is the index of the judgement it is a symptom of.

    `onset` is when the readings that decide it changed, where that was in the window.
    """

    rule: str
    verdict: Verdict
    confidence: float
    calibrated: bool
    explained_by: int | None = None
    onset: Onset | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What holds in this window, and which rules could not be checked."""

    judgements: tuple[Judgement, ...]
    unknown: tuple[Unknown, ...]


@cache
def weights() -> Weights:
    """The weights of the confidence model, kept as data beside it."""
    text = files("diagnose.correlate").joinpath("confidence.json").read_text("utf-8")
    return Weights(**json.loads(text))


def evaluate(samples: Samples) -> Evaluation:
    """Check every rule. Pure but for reading the weights once."""
    judgements, unknown = judge(samples)
    shown = [each for each in judgements if each.confidence >= weights().shown_at]
    folded = fold(shown, owners(samples))
    return Evaluation(tuple(_without_cause(each, unknown) for each in folded), tuple(unknown))


def judge(samples: Samples) -> tuple[list[Judgement], list[Unknown]]:
    """What the rules say, however unsure it is, each by itself."""
    signals: dict[type[Any], Any] = {}
    judgements: list[Judgement] = []
    unknown: list[Unknown] = []
    said = "; ".join(f"{failure.probe}: {failure.reason}" for failure in samples.failures)
    for rule in all_rules():
        arguments = {need.parameter: _derive(need.signal, samples, signals) for need in rule.needs}
        lacking = [n.signal for n in rule.needs if not n.optional and arguments[n.parameter] is None]
        if lacking:
            unknown.append(Unknown(rule.id, _why(lacking, samples, said)))
            continue
        found = rule.check(**arguments)
        if isinstance(found, Unknown):
            unknown.append(Unknown(rule.id, found.why))
        else:
            judgements.extend(_judge(rule.id, verdict, samples) for verdict in found)
    judged = {outlook.place_of(each.rule, each.verdict.subject) for each in judgements}
    ahead = outlook.early(samples.outlooks, judged)
    judgements.extend(_judge(rule_id, verdict, samples) for rule_id, verdict in ahead)
    return judgements, unknown


def _without_cause(judgement: Judgement, unchecked: Sequence[Unknown]) -> Judgement:
    """An objective that is missed has a cause, or says that none was found and what was looked at."""
    if judgement.rule not in objectives() or judgement.explained_by is not None:
        return judgement
    causes = [rule.id for rule in all_rules() if not rule.is_objective]
    missed = [each.what for each in unchecked if each.what in causes]
    why = (
        f"none was found in the same window: {len(causes) - len(missed)} of {len(causes)} rules were checked"
    )
    if missed:
        why += f"; for want of readings not {', '.join(missed)}"
    told = (*judgement.verdict.unknown, Unknown("the cause", why))
    return replace(judgement, verdict=replace(judgement.verdict, unknown=told))


def owners(samples: Samples) -> frozenset[int]:
    """Processes that hold a listener of their own."""
    lengths = samples.of("listener_accept_queue_length")
    return frozenset(int(each.labels["pid"]) for each in lengths if each.labels.get("pid"))


def _derive(signal: type[Any], samples: Samples, known: dict[type[Any], Any]) -> Any:
    if signal not in known:
        known[signal] = signal.derive(samples)
    return known[signal]


def _judge(rule_id: str, verdict: Verdict, samples: Samples) -> Judgement:
    model, began = weights(), of_evidence(verdict.evidence, samples)
    return Judgement(rule_id, verdict, confidence(verdict.evidence, model), model.calibrated, onset=began)


def _why(lacking: list[type[Any]], samples: Samples, said: str) -> str:
    """What was not measured, and what the probes said about it."""
    modules = [sys.modules[signal.__module__] for signal in lacking]
    metrics = [name for module in modules for name in module.READS if not samples.of(name)]
    metrics += [
        name
        for module in modules
        for name in getattr(module, "HISTOGRAMS", ())
        if not samples.histograms_of(name)
    ]
    profiles = [f"{kind} profiles" for module in modules for kind in getattr(module, "PROFILES", ())]
    facts = [name for module in modules for name in getattr(module, "FACTS", ()) if name not in samples.facts]
    text = f"not enough readings in the window: {', '.join(metrics + profiles + facts) or 'too few of all'}"
    return f"{text} ({said})" if said else text


def fold(judgements: Sequence[Judgement], owners: frozenset[int] = frozenset()) -> tuple[Judgement, ...]:
    """Point each symptom at its nearest cause: the one that is itself explained by the others, if any is.

    `owners` are processes with listeners of their own: two of them are two instances, and the trouble of one is not
    the other's, though their service has one name. A worker shares its parent's listener and owns none.
    """
    causes = {
        index: [
            at for at, cause in enumerate(judgements) if at != index and _explains(cause, symptom, owners)
        ]
        for index, symptom in enumerate(judgements)
    }

    def nearest(index: int) -> int | None:
        candidates = causes[index]
        if not candidates:
            return None
        return max(
            candidates, key=lambda at: (len(set(causes[at]) & set(candidates)), judgements[at].confidence)
        )

    return tuple(replace(each, explained_by=nearest(index)) for index, each in enumerate(judgements))


def _explains(cause: Judgement, symptom: Judgement, owners: frozenset[int]) -> bool:
    ours, theirs = cause.verdict.subject, symptom.verdict.subject
    apart = ours.pid != theirs.pid and ours.pid in owners and theirs.pid in owners
    in_turn = _may_precede(cause.onset, symptom.onset)
    return _may_cause(cause, symptom.rule) and ours.touches(theirs) and in_turn and not apart


def _may_cause(cause: Judgement, rule: str) -> bool:
    """What it says itself; of objectives that are missed it need not."""
    return rule in cause.verdict.explains or (rule in objectives() and cause.rule not in objectives())


def _may_precede(cause: Onset | None, symptom: Onset | None) -> bool:
    """A cause does not start after its effect; where either's start is not known, that says nothing."""
    return cause is None or symptom is None or cause.first_ns <= symptom.last_ns + READ_APART_NS
