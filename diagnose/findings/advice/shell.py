"""What to type now, on the host."""

from __future__ import annotations

import shlex

from diagnose.correlate.rule import Backlog, Inspect, OpenFiles, Recommendation, Sysctl


def render(recommendation: Recommendation) -> str | None:
    """Commands, with comments where the change is a program's own setting."""
    match recommendation.change:
        case Sysctl(name, _, proposed):
            return f"sysctl -w {shlex.quote(f'{name}={proposed}')}"
        case OpenFiles(_, pid, _, proposed):
            return f"prlimit --pid {pid} --nofile={proposed}:{proposed}"
        case Backlog():
            return _backlog(recommendation.change)
        case Inspect(_, _, command):
            return command
        case _:
            return None


def _backlog(backlog: Backlog) -> str:
    port = shlex.quote(f"sport = :{backlog.listener.rpartition(':')[2]}")
    size = backlog.proposed
    return "\n".join(
        (
            f"# ask for a backlog of {size} where {backlog.service or 'the program'} calls listen(), for instance",
            f"#   Python socketserver: request_queue_size = {size}    asyncio, uvicorn, gunicorn: backlog {size}",
            f"#   nginx: listen … backlog={size};    systemd socket unit: Backlog={size}",
            "# then restart it and check that Send-Q has become that:",
            f"ss -ltn {port}",
        )
    )
