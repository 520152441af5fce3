"""Recommendations of the rules fitted to the host they are for.

In: an evaluation and the samples it was made from. Out: the same evaluation, each recommendation bounded by what the
host can bear, with the place it is made at, its inputs and its expected effect. What cannot be done there, or is so
already, becomes one of the things that will not help, with the reason.
"""

from __future__ import annotations

from dataclasses import replace

from diagnose.correlate.change import Code, Inspect, Sysctl
from diagnose.correlate.engine import Evaluation, Judgement
from diagnose.correlate.fit import Fit
from diagnose.correlate.rule import Recommendation, Verdict, WillNotHelp
from diagnose.correlate.samples import Samples
from diagnose.findings.advice import folklore
from diagnose.findings.advice.bounds import bounded
from diagnose.findings.advice.conflicts import numbers_of, settled
from diagnose.findings.advice.effects import effect_of, inputs_of
from diagnose.findings.advice.machine import Machine
from diagnose.findings.advice.place import place_of
from diagnose.findings.advice.side_effects import side_effects
from diagnose.findings.advice.targets import service_of, target_of


def fitted(evaluation: Evaluation, samples: Samples) -> Evaluation:
    """All judgements' advice. Pure."""
    machine = Machine(samples.facts)
    every = (replace(each, verdict=_fitted(each, machine, samples)) for each in evaluation.judgements)
    return replace(evaluation, judgements=settled(tuple(every)))


def _fitted(judgement: Judgement, machine: Machine, samples: Samples) -> Verdict:
    verdict = judgement.verdict
    common = Fit(inputs=inputs_of(verdict), effect=effect_of(verdict, samples))
    advice = [_fit(each, verdict, machine, common) for each in verdict.recommendations]
    withdrawn = tuple(each for each in advice if isinstance(each, WillNotHelp))
    place = place_of("", verdict.subject, machine)
    said = (*verdict.will_not_help, *withdrawn)
    return replace(
        verdict,
        recommendations=_changes_first([each for each in advice if isinstance(each, Recommendation)]),
        will_not_help=(*said, *folklore.of(judgement.rule, said, machine, place)),
    )


def _changes_first(advice: list[Recommendation]) -> tuple[Recommendation, ...]:
    """Closer looks come after what can be done, else in the rule's order."""
    return tuple(sorted(advice, key=lambda each: isinstance(each.change, Inspect)))


def _fit(
    advice: Recommendation, verdict: Verdict, machine: Machine, common: Fit
) -> Recommendation | WillNotHelp:
    reason = _cannot(advice, verdict, machine)
    if reason:
        target = target_of(advice.change)
        return WillNotHelp(f"set {target.target} to {target.proposed}", reason)
    change, bound = bounded(advice.change, machine)
    target = target_of(change)
    if not isinstance(change, Code | Inspect) and target.current == target.proposed:
        return WillNotHelp(f"a higher {target.target}", f"{bound or 'it has the proposed value'} already")
    place = place_of(service_of(change), verdict.subject, machine)
    fit = replace(common, place=place, bound=bound)
    effects = (*advice.side_effects, *side_effects(change, place))
    return replace(advice, change=change, side_effects=effects, fit=fit)


def _cannot(advice: Recommendation, verdict: Verdict, machine: Machine) -> str:
    """Why a kernel parameter cannot be set, or need not; '' where neither holds."""
    change = advice.change
    if not isinstance(change, Sysctl) or verdict.subject.netns:
        return ""
    if machine.lacks(change.name):
        release = machine.facts.get("kernel.release", "")
        kernel = f"this kernel ({release})" if release else "this kernel"
        return f"{kernel} has no such parameter, or not in this network namespace"
    values, now = numbers_of(change), machine.number(f"sysctl.{change.name}")
    if values and now is not None and values[0] < values[1] <= now:
        return f"it is {now} by now"
    return ""
