"""Kernel parameters that outlive a reboot."""

from __future__ import annotations

from diagnose.correlate.change import Sysctl
from diagnose.correlate.rule import Recommendation
from diagnose.findings.advice.place import is_namespaced

PATH = "/etc/sysctl.d/60-diagnose.conf"


def render(recommendation: Recommendation) -> str | None:
    """The content of a file in sysctl.d, its path as a comment; None for a container's own settings."""
    change, place = recommendation.change, recommendation.fit.place
    if not isinstance(change, Sysctl) or (place.netns and is_namespaced(change.name)):
        return None
    return (
        f"# {PATH} (load it with: sysctl --system); was {change.current}\n{change.name} = {change.proposed}\n"
    )
