"""`/healthz` and `/readyz`: what a container's probes ask. Nobody signs in for them, so they say little.

They are answered before anything else looks at the request: probes name the container's address as the host, which is
not in ALLOWED_HOSTS.
"""

from __future__ import annotations

from collections.abc import Callable

import redis
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from diagnose import queue
from diagnose.store import disk


def probes(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, the first of all."""

    def middleware(request: HttpRequest) -> HttpResponse:
        probe = _PROBES.get(request.path_info)
        return probe() if probe and request.method in ("GET", "HEAD") else get_response(request)

    return middleware


def alive() -> JsonResponse:
    """The process answers. Nothing else is asked: a database that is away is no reason to kill a web process."""
    return JsonResponse({"status": "ok"})


def ready() -> JsonResponse:
    """200 when requests can be served, else 503; each part by name, `disk` is about new data alone."""
    found = {name: check() for name, check in _CHECKS.items()}
    needed = (found["database"], found["queue"])
    status = 200 if all(word == "ok" for word in needed) else 503
    answer = JsonResponse({"status": "ok" if status == 200 else "not ready", **found}, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM diagnose_host LIMIT 1")
    except DatabaseError:
        return "away"
    return "ok"


def _queue() -> str:
    try:
        queue.client().ping()
    except redis.RedisError:
        return "away"
    return "ok"


def _disk() -> str:
    try:
        return "full" if disk.room().is_full else "ok"
    except OSError:
        return "away"


_CHECKS: dict[str, Callable[[], str]] = {"database": _database, "queue": _queue, "disk": _disk}
_PROBES: dict[str, Callable[[], HttpResponse]] = {"/healthz": alive, "/readyz": ready}
