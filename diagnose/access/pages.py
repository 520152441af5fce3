"""The guard of every page: signed in, with a role that suffices."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, QueryDict
from django.http.response import HttpResponseBase

from diagnose.access.actor import Actor, actor_of_session
from diagnose.access.problems import Problem
from diagnose.access.roles import at_least
from diagnose.models.access import Role

View = Callable[..., HttpResponseBase]


class PageRequest(HttpRequest):
    """What a guarded page view gets."""

    actor: Actor


def _without_nul(given: QueryDict) -> QueryDict:
    """PostgreSQL refuses the character in any text, and no name has it."""
    if not any("\0" in value for _, values in given.lists() for value in values):
        return given
    kept = given.copy()
    for name, values in given.lists():
        kept.setlist(name, [value.replace("\0", "") for value in values])
    return kept


def page(role: Role = Role.VIEWER) -> Callable[[View], View]:
    """Nobody signed in: to the sign-in page and back. Role too low or Problem 403: the 403 page; 404 likewise."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            request.actor = actor_of_session(request)
            request.GET = _without_nul(request.GET)
            if request.actor.role is None:
                return redirect_to_login(request.get_full_path())
            if not at_least(request.actor.role, role):
                raise PermissionDenied(
                    f"This page needs the role {role.value}; you have {request.actor.role.value}."
                )
            try:
                return view(request, *args, **kwargs)
            except Problem as problem:
                if problem.status == 404:
                    raise Http404(problem.detail) from None
                if problem.status == 403:
                    raise PermissionDenied(problem.detail) from None
                raise

        guarded.access = {"role": role}  # type: ignore[attr-defined]
        return guarded

    return decorate
