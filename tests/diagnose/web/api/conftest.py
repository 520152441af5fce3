"""A client of the API that holds every answer against the API's own description."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import jsonschema
import pytest
from django.test import Client

from diagnose.access import tokens
from diagnose.models import Token, User
from diagnose.web.api import openapi

Ask = Callable[..., Any]


@cache
def description() -> dict[str, Any]:
    return json.loads(openapi._document())


@cache
def operations() -> list[tuple[re.Pattern[str], str, dict[str, Any]]]:
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), method.upper(), operation)
        for path, methods in description()["paths"].items()
        for method, operation in methods.items()
    ]


def check(method: str, path: str, status: int, kind: str, body: Any) -> None:
    """The answer fits what the description says of this address, method, status and content type."""
    fitting = [
        (pattern.pattern.count("[^/]+"), operation)
        for pattern, verb, operation in operations()
        if verb == method and pattern.fullmatch(path)
    ]
    _, operation = min(fitting, key=lambda found: found[0])  # a fixed address goes before one with places
    described = operation["responses"][str(status)]["content"][kind]["schema"]
    schema = {**described, "components": description()["components"]}
    jsonschema.validate(body, schema, jsonschema.Draft202012Validator)


@pytest.fixture
def ask(viewer: User) -> Ask:
    """`ask("/hosts", status=200)` gives the decoded answer; with `user`, as that user; with `body`, a POST."""
    secrets: dict[int, str] = {}

    def ask(
        path: str, *, method: str = "", status: int = 200, user: User | None = None, body: Any = None
    ) -> Any:
        who = user or viewer
        secret = secrets.setdefault(who.pk, "") or tokens.issue(Token.Kind.USER, user=who)
        secrets[who.pk] = secret
        verb = method or ("GET" if body is None else "POST")
        answer = Client().generic(
            verb,
            f"/api/v1{path}",
            b"" if body is None else json.dumps(body).encode(),
            "application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )
        assert answer.status_code == status, answer.content
        kind = answer.headers["Content-Type"].partition(";")[0]
        if kind not in {"application/json", "application/problem+json"}:
            return answer.content.decode()
        found = json.loads(answer.content)
        check(verb, f"/api/v1{path.partition('?')[0]}", status, kind, found)
        return found

    return ask
