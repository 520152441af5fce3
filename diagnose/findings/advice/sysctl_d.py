"""Kernel parameters that outlive a reboot."""

from __future__ import annotations

from diagnose.correlate.rule import Recommendation, Sysctl

PATH = "/etc/sysctl.d/60-diagnose.conf"


def render(recommendation: Recommendation) -> str | None:
    """The content of a file in sysctl.d, its path as a comment."""
    match recommendation.change:
        case Sysctl(name, current, proposed):
            return f"# {PATH} (load it with: sysctl --system); was {current}\n{name} = {proposed}\n"
        case _:
            return None
