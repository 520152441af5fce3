"""The little HTTP that two addresses need, on ASGI."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from diagnose.access.problems import Problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """What the two handlers look at."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]

    @classmethod
    def of(cls, scope: Scope) -> Request:
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        return cls(
            scope["method"], scope["path"], {key: values[-1] for key, values in query.items()}, headers
        )


class Answer:
    """Sends one answer; `begun` tells whether its headers are out."""

    def __init__(self, request: Request, send: Send) -> None:
        self.begun = False
        self._request, self._send = request, send

    async def begin(self, status: int, content_type: str, headers: dict[str, str] | None = None) -> None:
        every = {
            "content-type": content_type,
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            **allowed_origin(self._request.headers.get("origin", "")),
            **{name.lower(): value for name, value in (headers or {}).items()},
        }
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in every.items()]
        self.begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def write(self, body: bytes, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def whole(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        await self.begin(status, content_type)
        await self.write(body, more=False)

    async def problem(self, problem: Problem) -> None:
        await self.begin(problem.status, "application/problem+json", problem.headers)
        await self.write(json.dumps(problem.as_json()).encode(), more=False)


def allowed_origin(origin: str) -> dict[str, str]:
    """Pages come from the web process: the same host names at another port."""
    domain, _ = split_domain_port(urlsplit(origin).netloc)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return {}
    return {"access-control-allow-origin": origin, "vary": "Origin"}
