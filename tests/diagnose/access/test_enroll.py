"""Enrolment: an enrolment token makes a host, the same identity stays the same host."""

from __future__ import annotations

import json

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
