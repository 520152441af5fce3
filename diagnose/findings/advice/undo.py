"""How to take a change back."""

from __future__ import annotations

import shlex

from diagnose.correlate.rule import Backlog, Change, Code, Inspect, OpenFiles, Sysctl, Workers
from diagnose.findings.advice import sysctl_d, systemd


def undo(change: Change) -> str:
    """Words or commands; they bring the value back that was measured before the change."""
    match change:
        case Sysctl(name, current, _):
            return f"sysctl -w {shlex.quote(f'{name}={current}')}, and remove its line from {sysctl_d.PATH}"
        case OpenFiles(service, pid, current, _) if service.endswith(".service"):
            path = systemd.drop_in_path(service)
            return f"rm {path}; systemctl daemon-reload; prlimit --pid {pid} --nofile={current}:"
        case OpenFiles(_, pid, current, _):
            return f"prlimit --pid {pid} --nofile={current}:"
        case Backlog(_, _, current, _):
            return f"set the backlog back to {current} and restart"
        case Workers(_, current, _):
            return f"go back to {current} and restart"
        case Code():
            return "revert the change and restart"
        case Inspect():
            return "nothing to undo: it changes nothing"
