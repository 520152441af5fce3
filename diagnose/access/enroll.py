"""Enrolment: a collector with an enrolment token becomes a host with a token of its own."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from django.db import transaction
from django.http import JsonResponse

from diagnose.access import audit, bodies, tokens
from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.access.problems import Problem
from diagnose.models.access import Token
from diagnose.models.host import Host

_IDENTITY = re.compile(r"[0-9a-f]{32}")
_MAX_NAME = 253


class Enrolment(msgspec.Struct, frozen=True):
    """`identity` is 32 hex digits that the collector made once and keeps; `name` is the host's own name."""

    name: str
    identity: str


def admit(enrolment: Enrolment) -> tuple[Host, str]:
    """The host and its new secret. The same identity again is the same host: its older tokens are revoked."""
    with transaction.atomic():
        host, _ = Host.objects.update_or_create(
            identity=enrolment.identity, defaults={"name": enrolment.name.strip()}
        )
        for old in Token.objects.filter(host=host, kind=Token.Kind.HOST, revoked_at=None):
            tokens.revoke(old)
        return host, tokens.issue(Token.Kind.HOST, label=host.name, host=host)


def _check(enrolment: Enrolment) -> None:
    errors = {}
    if not _IDENTITY.fullmatch(enrolment.identity):
        errors["identity"] = "must be 32 lower-case hex digits"
    name = enrolment.name.strip()
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        errors["name"] = f"must be 1 to {_MAX_NAME} printable characters"
    if errors:
        detail = "; ".join(f"{field} {what}" for field, what in errors.items())
        raise Problem(422, "Enrolment does not fit", f"{detail}.", errors=errors)


@endpoint("POST", kind=Token.Kind.ENROLL)
def enroll(request: ApiRequest) -> Any:
    """POST /api/v1/enroll {"name", "identity"} -> 201 {"host": id, "token": secret}."""
    enrolment = bodies.decode(request, Enrolment)
    _check(enrolment)
    host, secret = admit(enrolment)
    audit.record(request.actor, "enrol host", host.name, host=host.pk, identity=host.identity)
    return JsonResponse({"host": host.pk, "token": secret}, status=201)
