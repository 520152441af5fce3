"""Checks one rule on samples, past the engine's threshold of confidence."""

from __future__ import annotations

from diagnose.correlate import catalogue
from diagnose.correlate.rule import Unknown, Verdict
from diagnose.correlate.samples import Samples


def verdicts(rule_id: str, samples: Samples) -> list[Verdict] | None:
    """None when the outcome is unknown."""
    rule = catalogue.find(rule_id)
    assert rule is not None
    arguments = {need.parameter: need.signal.derive(samples) for need in rule.needs}
    if any(arguments[need.parameter] is None for need in rule.needs if not need.optional):
        return None
    found = rule.check(**arguments)
    return None if isinstance(found, Unknown) else found


def the_verdict(rule_id: str, samples: Samples) -> Verdict:
    found = verdicts(rule_id, samples)
    assert found is not None
    (one,) = found
    return one
