"""A recommendation in the form of the public API."""

from __future__ import annotations

from hashlib import blake2s
from typing import Any

from diagnose.correlate.rule import (
    Backlog,
    Change,
    Code,
    Inspect,
    OpenFiles,
    Recommendation,
    Sysctl,
    Workers,
)
from diagnose.findings.advice import ansible, shell, sysctl_d, systemd
from diagnose.findings.advice.undo import undo


def as_json(recommendation: Recommendation) -> dict[str, Any]:
    """`id` is the same as long as kind and target are, so that a link to it lasts."""
    kind, target, current, proposed = _what(recommendation.change)
    return {
        "id": blake2s(f"{kind}|{target}".encode(), digest_size=6).hexdigest(),
        "kind": kind,
        "target": target,
        "current": current,
        "proposed": proposed,
        "formula": recommendation.formula,
        "risk": recommendation.risk,
        "risk_text": recommendation.risk_text,
        "restart": recommendation.restart,
        "undo": undo(recommendation.change),
        "expected": recommendation.expected,
        "renderings": {
            "shell": shell.render(recommendation),
            "sysctl_d": sysctl_d.render(recommendation),
            "systemd": systemd.render(recommendation),
            "ansible": ansible.render(recommendation),
        },
    }


def _what(change: Change) -> tuple[str, str, str | None, str]:
    """Kind, target, current and proposed value."""
    match change:
        case Sysctl(name, current, proposed):
            return "sysctl", name, str(current), str(proposed)
        case Backlog(listener, service, current, proposed):
            target = f"backlog of {service or 'the program'} on {listener}"
            return "application_setting", target, str(current), str(proposed)
        case OpenFiles(service, pid, current, proposed):
            target = (
                f"{'LimitNOFILE' if service.endswith('.service') else 'RLIMIT_NOFILE'} of {service or pid}"
            )
            return "process_limit", target, str(current), str(proposed)
        case Workers(service, current, proposed):
            return "workers", f"processes of {service}", str(current), str(proposed)
        case Code(where, what):
            return "code_change", where, None, what
        case Inspect(target, purpose, _):
            return "inspection", target, None, purpose
