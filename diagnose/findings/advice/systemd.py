"""Drop-ins for systemd units."""

from __future__ import annotations

from diagnose.correlate.rule import Backlog, OpenFiles, Recommendation


def render(recommendation: Recommendation) -> str | None:
    """The content of a drop-in, its path and how to load it as comments; None when no unit runs the service."""
    match recommendation.change:
        case OpenFiles(service, _, _, proposed) if service.endswith(".service"):
            return _drop_in(service, "Service", f"LimitNOFILE={proposed}")
        case Backlog(_, service, _, proposed) if service.endswith(".socket"):
            return _drop_in(service, "Socket", f"Backlog={proposed}")
        case _:
            return None


def drop_in_path(unit: str) -> str:
    return f"/etc/systemd/system/{unit}.d/60-diagnose.conf"


def _drop_in(unit: str, section: str, setting: str) -> str:
    load = f"systemctl daemon-reload && systemctl restart {unit}"
    return f"# {drop_in_path(unit)} (load it with: {load})\n[{section}]\n{setting}\n"
