"""The description is valid, and whole."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from diagnose.access.endpoints import endpoint
from diagnose.web.api import openapi
from tests.diagnose.web.api.conftest import description


def routed() -> dict[str, set[str]]:
    """What Django routes below /api/v1, found without the describing code."""
    found: dict[str, set[str]] = {}

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> None:
        for each in patterns:
            route = prefix + str(each.pattern)
            if isinstance(each, URLResolver):
                walk(each.url_patterns, route)
            elif route.startswith("/api/"):
                methods = getattr(each.callback, "views", None) or each.callback.access["methods"]
                found[re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)] = set(methods)

    walk(get_resolver().url_patterns, "/")
    return found


def test_every_routed_endpoint_is_described_with_all_its_methods() -> None:
    described = {
        path: {method.upper() for method in methods} for path, methods in description()["paths"].items()
    }
    assert routed() == described
    assert len(described) >= 20


def test_the_description_is_valid_openapi() -> None:
    validate(description(), cls=OpenAPIV31SpecValidator)


def test_anybody_may_read_the_description() -> None:
    answer = Client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert json.loads(answer.content) == description()


def test_operation_ids_are_unique_and_every_operation_has_a_summary() -> None:
    operations = [each for methods in description()["paths"].values() for each in methods.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    assert [each["operationId"] for each in operations if not each["summary"].endswith(".")] == []


def test_who_may_ask_is_told() -> None:
    paths = description()["paths"]
    assert "role operator" in paths["/api/v1/captures"]["post"]["description"]
    assert "token of kind host" in paths["/api/v1/batches"]["post"]["description"]
    assert paths["/api/v1/openapi.json"]["get"]["security"] == []


def test_an_endpoint_without_description_is_refused() -> None:
    bare = endpoint("GET")(lambda request: {})
    with pytest.raises(openapi.Undescribed, match="GET /api/v1/new"):
        openapi.document([path("new", bare)])
