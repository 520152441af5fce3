"""Enrolment: an enrolment token makes a host, the same identity stays the same host."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from diagnose.access import tokens
from diagnose.access.enroll import enroll
from diagnose.access.problems import Problem
from diagnose.models import AuditEntry, Host, Token

IDENTITY = "00112233445566778899aabbccddeeff"


@pytest.fixture
def secret(db) -> str:
    return tokens.issue(Token.Kind.ENROLL, label="rack 7")


def ask(secret: str, body: object):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {secret}"}
    request = RequestFactory().generic("POST", "/api/v1/enroll", data, "application/json", headers=headers)
    request.user = AnonymousUser()
    return enroll(request)


def test_a_host_gets_a_token_of_its_own(secret):
    answer = ask(secret, {"name": "web-1", "identity": IDENTITY})
    assert answer.status_code == 201
    body = json.loads(answer.content)
    assert tokens.authenticate(body["token"]).host == Host.objects.get(pk=body["host"], name="web-1")
    assert AuditEntry.objects.get().action == "enrol host"


def test_the_same_identity_is_the_same_host_and_its_older_token_ends(secret):
    first, second = (json.loads(ask(secret, {"name": n, "identity": IDENTITY}).content) for n in ("a", "b"))
    assert first["host"] == second["host"]
    assert Host.objects.get().name == "b"
    with pytest.raises(Problem, match="revoked"):
        tokens.authenticate(first["token"])


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "web-1", "identity": "XYZ"}, 422, "identity"),
        ({"name": " ", "identity": IDENTITY}, 422, "name"),
        ({"name": "a\nb", "identity": IDENTITY}, 422, "name"),
        ({"name": 5, "identity": IDENTITY}, 422, "name"),
        ({"name": "web-1"}, 422, "body"),
        (b"{", 400, None),
        (b"x" * (1024 * 1024 + 1), 413, None),
    ],
)
def test_what_does_not_fit_is_refused_with_the_field(secret, body, status, field):
    answer = ask(secret, body)
    assert answer.status_code == status
    assert field is None or field in json.loads(answer.content)["errors"]
    assert not Host.objects.exists()


def test_a_host_token_cannot_enrol_others(host_token):
    assert ask(host_token, {"name": "web-2", "identity": IDENTITY}).status_code == 403


def detail(answer):
    assert answer.status_code == 401
    return json.loads(answer.content)["detail"]


def test_a_token_lets_in_so_many_hosts_and_then_says_that_it_was_used(db):
    secret = tokens.issue(Token.Kind.ENROLL, hosts=2)
    for number in (1, 2):
        assert ask(secret, {"name": "web", "identity": f"{number:032x}"}).status_code == 201
    for number in (1, 2, 1):  # those whose answer was lost on the way come again
        assert ask(secret, {"name": "web", "identity": f"{number:032x}"}).status_code == 201
    assert "was used: it has let in all hosts" in detail(ask(secret, {"name": "web", "identity": IDENTITY}))
    assert Host.objects.count() == 2


def test_a_token_that_ended_says_how(db):
    late = tokens.issue(Token.Kind.ENROLL, lifetime=timedelta(seconds=-1))
    assert "expired on" in detail(ask(late, {"name": "web", "identity": IDENTITY}))
    withdrawn = tokens.issue(Token.Kind.ENROLL)
    tokens.revoke(Token.objects.latest("pk"))
    assert "was revoked on" in detail(ask(withdrawn, {"name": "web", "identity": IDENTITY}))
    assert not Host.objects.exists()


def test_a_body_that_does_not_fit_uses_nothing_up(db):
    secret = tokens.issue(Token.Kind.ENROLL, hosts=1)
    assert ask(secret, {"name": "web", "identity": "short"}).status_code == 422
    assert ask(secret, {"name": "web", "identity": IDENTITY}).status_code == 201
