"""`/openapi.json`: an OpenAPI 3.1 description of every endpoint that is routed, made from the routes themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from django.urls import URLPattern
from django.views.decorators.gzip import gzip_page

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.web.api import answers
from diagnose.web.api.collectors import OPERATIONS
from diagnose.web.api.describe import JSON, Operation, described
from diagnose.web.api.query import Parameter

PREFIX = "/api/v1/"
PROBLEM = "application/problem+json"
_REFERENCE = "#/components/schemas/{name}"
_PLACE = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_TITLES = {
    307: "Redirect to the stream process.", 400: "The body did not arrive whole.",
    401: "No token, or one that is not valid.", 403: "Not allowed.",
    404: "There is no such thing.", 409: "Its state does not allow that.", 410: "It is no longer kept.",
    413: "The body is too large.", 415: "The body is of another type.",
    422: "A value cannot be used; `errors` says which.",
    429: "Too much at once; Retry-After says when.", 503: "Something the server needs does not answer.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one address, with its guard's `access` and its description."""

    route: str
    method: str
    access: dict[str, Any]
    operation: Operation

    @property
    def path(self) -> str:
        return PREFIX + _PLACE.sub(lambda place: f"{{{place['name']}}}", self.route)


class Undescribed(Exception):
    """An endpoint is routed without a description."""


def routes(patterns: list[URLPattern]) -> Iterator[Route]:
    """Every method of every pattern. Raises Undescribed."""
    for pattern in patterns:
        route = str(pattern.pattern)
        for method, view in methods_of(pattern.callback):
            place = _PLACE.sub(lambda found: f"{{{found['name']}}}", route)
            operation = getattr(view, "operation", None) or OPERATIONS.get((place, method))
            if operation is None:
                raise Undescribed(f"{method} {PREFIX}{route}: decorate the view with `described`")
            yield Route(route, method, view.access, operation)


def methods_of(view: Any) -> list[tuple[str, Any]]:
    """The guarded view of each method."""
    if hasattr(view, "views"):
        return list(view.views.items())
    return [(method, view) for method in view.access["methods"]]


def document(patterns: list[URLPattern]) -> answers.OpenApi:
    """The whole description."""
    described_routes = list(routes(patterns))
    types = {_key(kind): kind for route in described_routes for kind in _types(route.operation)}
    schemas, components = msgspec.json.schema_components(
        [answers.Problem, *types.values()], ref_template=_REFERENCE
    )
    by_type = dict(zip(types, schemas[1:], strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in described_routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas[0], by_type)
    return answers.OpenApi(
        "3.1.0",
        {
            "title": "Diagnose",
            "version": "1",
            "description": "Hosts, series, profiles, captures and findings. Lists answer `results` and `next`.",
        },
        paths,
        {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
            },
        },
    )


def _types(operation: Operation) -> list[Any]:
    return [kind for kind in (operation.answer, operation.body) if kind not in (None, bytes)]


def _key(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _operation(route: Route, problem: dict[str, Any], by_type: dict[str, dict[str, Any]]) -> dict[str, Any]:
    operation = route.operation
    entry: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{re.sub(r'[^a-z]+', '_', route.path.removeprefix(PREFIX)).strip('_')}",
        "summary": operation.summary,
        "description": " ".join(filter(None, (operation.detail, _who(route.access)))),
        "security": _security(route.access),
        "parameters": [*_places(route.route), *map(_parameter, operation.query)],
        "responses": _responses(route, problem, by_type),
    }
    if operation.body is not None:
        binary = operation.body is bytes
        schema = {"contentMediaType": operation.body_type} if binary else by_type[_key(operation.body)]
        entry["requestBody"] = {"required": True, "content": {operation.body_type: {"schema": schema}}}
    return entry


def _who(access: dict[str, Any]) -> str:
    if access["kind"] is not None:
        return f"Needs a token of kind {access['kind']}."
    return f"Needs the role {access['role']}." if access["role"] is not None else "Anybody may ask."


def _security(access: dict[str, Any]) -> list[dict[str, list[str]]]:
    if access["kind"] is not None:
        return [{"token": []}]
    return [{"token": []}, {"session": []}] if access["role"] is not None else []


def _places(route: str) -> list[dict[str, Any]]:
    kinds = {"int": "integer"}
    return [
        {
            "name": place["name"],
            "in": "path",
            "required": True,
            "schema": {"type": kinds.get(place["kind"] or "", "string")},
        }
        for place in _PLACE.finditer(route)
    ]


def _parameter(parameter: Parameter[Any]) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.help,
        "schema": dict(parameter.schema),
    }


def _responses(route: Route, problem: dict[str, Any], by_type: dict[str, dict[str, Any]]) -> dict[str, Any]:
    operation = route.operation
    statuses = {*operation.problems, *_expected_problems(route)}
    found = {
        str(status): {"description": _TITLES[status], "content": {PROBLEM: {"schema": problem}}}
        for status in sorted(statuses)
    }
    if operation.answer is not None:
        content = {JSON: {"schema": by_type[_key(operation.answer)]}}
        content |= {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in operation.other_types}
        found[str(operation.status)] = {"description": operation.summary, "content": content}
    elif not operation.redirect:
        found[str(operation.status)] = {"description": operation.summary}
    if operation.redirect:
        found["307"] = {"description": _TITLES[307]}
    return found


def _expected_problems(route: Route) -> Iterator[int]:
    """What follows from the endpoint's form."""
    if route.access["kind"] is not None or route.access["role"] is not None:
        yield from (401, 403)
    if _PLACE.search(route.route):
        yield 404
    if route.operation.query or route.operation.body is not None:
        yield 422


@cache
def _document() -> bytes:
    from diagnose.web.api.urls import urlpatterns  # the routes name the view below

    return msgspec.json.encode(document(urlpatterns))


@gzip_page
@endpoint("GET")
@described(answer=answers.OpenApi)
def openapi(_request: ApiRequest) -> Any:
    """This description."""
    return msgspec.Raw(_document())
