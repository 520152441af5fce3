"""How well-known programs are told a backlog or a number of workers."""

from __future__ import annotations

from collections.abc import Mapping

from diagnose.correlate.change import Backlog, Workers

_BACKLOGS: Mapping[str, str] = {
    "gunicorn": "--backlog {n}",
    "uvicorn": "--backlog {n}",
    "granian": "--backlog {n}",
    "hypercorn": "--backlog {n}",
    "nginx": "listen {port} backlog={n};",
    "haproxy": "backlog {n}",
    "redis-server": "tcp-backlog {n}",
    "valkey-server": "tcp-backlog {n}",
}
_WORKERS: Mapping[str, str] = {
    "gunicorn": "--workers {n}",
    "uvicorn": "--workers {n}",
    "granian": "--workers {n}",
    "hypercorn": "--workers {n}",
    "celery": "--concurrency {n}",
    "nginx": "worker_processes {n};",
    "php-fpm": "pm.max_children = {n}",
    "puma": "-w {n}",
}
# What they read the number of workers from when no option says it.
_CONCURRENCY = ("gunicorn", "uvicorn")
_ANY_BACKLOG = (
    "  Python socketserver: request_queue_size = {n}    asyncio, uvicorn, gunicorn: backlog {n}",
    "  nginx: listen … backlog={n};    systemd socket unit: Backlog={n}    Go: net.core.somaxconn = {n}",
)
_ANY_WORKERS = (
    "  gunicorn, uvicorn, granian: --workers {n}    celery: --concurrency {n}",
    "  nginx: worker_processes {n};    php-fpm: pm.max_children = {n}",
)


def backlog_lines(change: Backlog, program: str) -> list[str]:
    """The option of this program; of several where it is not known."""
    return _lines(_BACKLOGS, _ANY_BACKLOG, change.proposed, program, change.listener.rpartition(":")[2])


def workers_lines(change: Workers, program: str) -> list[str]:
    return _lines(_WORKERS, _ANY_WORKERS, change.proposed, program)


def option(change: Backlog | Workers, program: str) -> str:
    """Only where the program is known, '' otherwise."""
    table = _BACKLOGS if isinstance(change, Backlog) else _WORKERS
    port = change.listener.rpartition(":")[2] if isinstance(change, Backlog) else ""
    return table.get(program, "").format(n=change.proposed, port=port)


def variable(change: Backlog | Workers, program: str) -> tuple[str, str] | None:
    """The environment variable that does the same."""
    if isinstance(change, Workers) and program in _CONCURRENCY:
        return "WEB_CONCURRENCY", str(change.proposed)
    return None


def _lines(
    table: Mapping[str, str], every: tuple[str, ...], count: int, program: str, port: str = ""
) -> list[str]:
    if program in table:
        return [f"  {program}: {table[program].format(n=count, port=port)}"]
    return [line.format(n=count) for line in every]
