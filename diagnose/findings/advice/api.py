"""A recommendation in the form of the public API."""

from __future__ import annotations

from hashlib import blake2s
from typing import Any

from diagnose.correlate.fit import Effect, Fit
from diagnose.correlate.rule import Recommendation
from diagnose.findings.advice import ansible, kubernetes, plain, shell, sysctl_d, systemd
from diagnose.findings.advice.side_effects import right_needed
from diagnose.findings.advice.targets import target_of
from diagnose.findings.advice.undo import undo


def as_json(recommendation: Recommendation) -> dict[str, Any]:
    """`id` is the same as long as kind and target are, so that a link to it lasts."""
    target, fit = target_of(recommendation.change), recommendation.fit
    return {
        "id": blake2s(f"{target.kind}|{target.target}".encode(), digest_size=6).hexdigest(),
        "kind": target.kind,
        "target": target.target,
        "current": target.current,
        "proposed": target.proposed,
        "formula": recommendation.formula,
        "inputs": _inputs(fit),
        "bound": fit.bound or None,
        "risk": recommendation.risk,
        "risk_text": recommendation.risk_text,
        "side_effects": list(recommendation.side_effects),
        "restart": recommendation.restart,
        "needs": right_needed(recommendation.change, fit.place),
        "undo": undo(recommendation.change, fit.place),
        "expected": recommendation.expected,
        "effect": _effect(fit.effect),
        "renderings": {
            "shell": shell.render(recommendation),
            "dry_run": shell.dry_run(recommendation),
            "sysctl_d": sysctl_d.render(recommendation),
            "systemd": systemd.render(recommendation),
            "ansible": ansible.render(recommendation),
            "kubernetes": kubernetes.render(recommendation),
            "text": plain.render(recommendation),
        },
    }


def _inputs(fit: Fit) -> list[dict[str, Any]]:
    return [
        {"metric": each.metric or None, "text": each.text, "value": each.value, "unit": each.unit or None}
        for each in fit.inputs
    ]


def _effect(effect: Effect | None) -> dict[str, Any] | None:
    if effect is None:
        return None
    return {
        "metric": effect.metric,
        "now": effect.now,
        "low": effect.low,
        "high": effect.high,
        "unit": effect.unit or None,
        "target": effect.target,
        "text": plain.words(effect),
    }
