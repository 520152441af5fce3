"""The guard of every `/api/v1` view: method, who, may they, CSRF of sessions, and errors as problem+json."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from diagnose.access.actor import Actor, bearer_of, identify
from diagnose.access.problems import Problem
from diagnose.access.roles import at_least
from diagnose.access.tokens import refused
from diagnose.models.access import Role, Token

log = logging.getLogger(__name__)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
Answer = HttpResponseBase | dict[str, Any] | list[Any]
View = Callable[..., Answer]


class ApiRequest(HttpRequest):
    """What a guarded view gets: a request whose actor is known and allowed."""

    actor: Actor


class _Csrf(CsrfViewMiddleware):
    """Says why instead of rendering a page."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:  # noqa: ARG002
        raise Problem(
            403, "CSRF check failed", f"{reason} Send the X-CSRFToken header, or use a bearer token."
        )


def _check_csrf(request: HttpRequest) -> None:
    """A browser sends the session cookie with any site's form; only a page of ours knows the CSRF token."""
    if request.method in _SAFE or bearer_of(request) is not None:
        return
    check = _Csrf(lambda _: HttpResponse())
    check.process_request(request)
    check.process_view(request, lambda *_, **__: HttpResponse(), (), {})


def _check_method(request: HttpRequest, methods: tuple[str, ...]) -> None:
    allowed = {*methods, "HEAD"} if "GET" in methods else set(methods)
    if request.method not in allowed:
        allow = ", ".join(sorted(allowed))
        raise Problem(405, "Method not allowed", f"{request.path} takes {allow}.", headers={"Allow": allow})


def _check_rights(actor: Actor, role: Role | None, kind: Token.Kind | None) -> None:
    if role is None and kind is None:
        return
    have = actor.token.kind if actor.token else None
    if kind is not None and have != kind:
        raise (refused if have is None else _forbidden)(f"This needs a token of kind {kind}.")
    if role is not None and not at_least(actor.role, role):
        if actor.role is None and have is None:
            raise refused("Sign in, or send Authorization: Bearer with a user token.")
        raise _forbidden(f"This needs the role {role}; {actor.name} has {actor.role or 'none'}.")


def _database_away(request: HttpRequest, error: Exception) -> Problem:
    """A restart of it passes in seconds. The reason names addresses, which are for the log and not for everybody."""
    log.error("%s %s: the database does not answer: %s", request.method, request.path, str(error).strip())
    detail = "The database does not answer; the server's log says why. Ask again in a few seconds."
    return Problem(503, "Database away", detail, headers={"Retry-After": "5"})


def _forbidden(detail: str) -> Problem:
    return Problem(403, "Not allowed", detail)


def endpoint(
    *methods: str, role: Role | None = None, kind: Token.Kind | None = None
) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """Guard a view. `role`: a session or user token with at least that role; `kind`: a token of exactly that kind.

    Neither means that anybody may ask. The view may raise Problem, and may return a dict or list for JSON.
    """

    def decorate(view: View) -> Callable[..., HttpResponseBase]:
        @functools.wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                _check_method(request, methods)
                request.actor = identify(request)
                _check_rights(request.actor, role, kind)
                _check_csrf(request)
                answer = view(request, *args, **kwargs)
            except Problem as problem:
                return problem.as_response()
            except RequestDataTooBig:
                return Problem(413, "Body too large", "The body is over this server's limit.").as_response()
            except (OperationalError, InterfaceError) as error:
                return _database_away(request, error).as_response()
            return answer if isinstance(answer, HttpResponseBase) else JsonResponse(answer, safe=False)

        # Django's middleware must not ask collectors for a CSRF token; sessions are checked above.
        guarded.csrf_exempt = True  # type: ignore[attr-defined]
        guarded.access = {"methods": methods, "role": role, "kind": kind}  # type: ignore[attr-defined]
        return guarded

    return decorate


def by_method(**views: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """One address with a guarded view for each method: `by_method(GET=list_captures, POST=create_capture)`."""

    def dispatch(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method in views:
            return views[method](request, *args, **kwargs)
        allow = ", ".join(sorted({*views, "HEAD"} if "GET" in views else views))
        problem = Problem(
            405, "Method not allowed", f"{request.path} takes {allow}.", headers={"Allow": allow}
        )
        return problem.as_response()

    dispatch.csrf_exempt = True  # type: ignore[attr-defined]
    dispatch.views = views  # type: ignore[attr-defined]
    return dispatch
