"""The guard of the API: method, who, may they, CSRF, and every error as problem+json."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError
from django.test import RequestFactory

from diagnose.access import endpoints, tokens
from diagnose.access.endpoints import ApiRequest, by_method, endpoint
from diagnose.access.problems import Problem
from diagnose.models import Token, User
from diagnose.models.access import Role


@endpoint("GET", "POST", role=Role.OPERATOR)
def operators_only(request: ApiRequest) -> dict[str, Any]:
    return {"actor": request.actor.name}


@endpoint("POST", kind=Token.Kind.HOST)
def collectors_only(request: ApiRequest) -> dict[str, Any]:
    return {"host": request.actor.host.name}


@endpoint("GET")
def anybody(request: ApiRequest) -> dict[str, Any]:
    raise Problem(422, "Does not fit", "hz=0 is too small; use 1 to 500", errors={"hz": "too small"})


def ask(view, method: str = "GET", user: User | None = None, secret: str = "", **headers: str):
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    request = RequestFactory(enforce_csrf_checks=True).generic(method, "/api/v1/x", headers=headers)
    request.user = user or AnonymousUser()
    return view(request)


def test_a_user_token_acts_as_its_user(operator):
    answer = ask(operators_only, secret=tokens.issue(Token.Kind.USER, user=operator))
    assert json.loads(answer.content) == {"actor": "oskar"}


@pytest.mark.django_db
def test_nobody_is_asked_to_sign_in_by_a_problem_with_all_its_fields():
    answer = ask(operators_only)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert set(json.loads(answer.content)) == {"type", "title", "status", "detail"}


def test_a_role_too_low_is_told_which_role_is_needed(viewer):
    answer = ask(operators_only, secret=tokens.issue(Token.Kind.USER, user=viewer))
    assert answer.status_code == 403
    assert "role operator; vera has viewer" in json.loads(answer.content)["detail"]


def test_scopes_lower_the_role_of_a_token_but_never_raise_it(admin, viewer):
    low = tokens.issue(Token.Kind.USER, user=admin, scopes=["viewer"])
    high = tokens.issue(Token.Kind.USER, user=viewer, scopes=["admin"])
    unknown = tokens.issue(Token.Kind.USER, user=admin, scopes=["something-new"])
    assert [ask(operators_only, secret=one).status_code for one in (low, high, unknown)] == [403, 403, 403]


def test_a_host_token_opens_only_what_is_for_collectors(host_token, admin):
    assert ask(collectors_only, "POST", secret=host_token).status_code == 200
    assert ask(operators_only, secret=host_token).status_code == 403
    assert ask(collectors_only, "POST", secret=tokens.issue(Token.Kind.USER, user=admin)).status_code == 403


def test_a_bad_token_is_not_rescued_by_a_session(admin):
    assert ask(operators_only, user=admin, secret="dgu_wrong").status_code == 401


def test_a_session_may_read_without_and_write_only_with_the_csrf_token(operator):
    assert ask(operators_only, user=operator).status_code == 200
    refused = ask(operators_only, "POST", user=operator)
    assert refused.status_code == 403
    assert "X-CSRFToken" in json.loads(refused.content)["detail"]
    secret = "c" * 32
    allowed = ask(
        operators_only, "POST", operator, **{"X-CSRFToken": secret, "Cookie": f"csrftoken={secret}"}
    )
    assert allowed.status_code == 200


def test_another_method_gets_405_with_those_that_work(admin):
    answer = ask(operators_only, "DELETE", user=admin)
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD, POST"
    assert ask(by_method(GET=anybody), "PUT").status_code == 405
    assert ask(by_method(GET=anybody), "HEAD").status_code == 422


def test_a_problem_of_the_view_names_the_fields():
    answer = ask(anybody)
    assert answer.status_code == 422
    assert json.loads(answer.content)["errors"] == {"hz": "too small"}


def test_an_inactive_users_session_has_no_role(admin):
    admin.is_active = False
    assert ask(operators_only, user=admin).status_code == 401


def test_a_database_that_is_away_is_asked_for_again_and_its_address_is_told_to_nobody(monkeypatch, caplog):
    def away(_: object) -> None:
        raise OperationalError("connection to server at 10.0.0.5, port 5432 failed")

    monkeypatch.setattr(endpoints, "identify", away)
    answer = ask(anybody)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b"10.0.0.5" not in answer.content
    assert "10.0.0.5" in caplog.text
