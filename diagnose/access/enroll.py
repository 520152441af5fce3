"""Enrolment: a collector with an enrolment token becomes a host with a token of its own."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.http import JsonResponse

from diagnose.access import audit, bodies, tokens
from diagnose.access.actor import Actor
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


def admit(enrolment: Enrolment, token: Token | None = None) -> tuple[Host, str]:
    """The host and its new secret. The same identity again is the same host: its older tokens are revoked.

    `token` lets it in and may be used up by it. Raises Problem 401.
    """
    with transaction.atomic():
        if token is not None:
            tokens.spend(token, enrolment.identity)
        host, _ = Host.objects.update_or_create(
            identity=enrolment.identity, defaults={"name": enrolment.name.strip()}
        )
        for old in Token.objects.filter(host=host, kind=Token.Kind.HOST, revoked_at=None):
            tokens.revoke(old)
        return host, tokens.issue(Token.Kind.HOST, label=host.name, host=host, enrolled_with=token)


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


def invite(actor: Actor | str, *, hosts: int | None, lifetime: timedelta, label: str) -> str:
    """The secret of a new enrolment token for so many hosts, None for any number."""
    secret = tokens.issue(Token.Kind.ENROLL, label=label, lifetime=lifetime, hosts=hosts)
    hours = lifetime.total_seconds() / 3600
    audit.record(actor, "issue token", "enrolment", label=label, hours=hours, hosts=hosts)
    return secret


def expel(actor: Actor, host: Host) -> int:
    """How many tokens of the host were revoked; its data stays, and it may enrol again with a new enrolment token."""
    live = list(Token.objects.filter(host=host, kind=Token.Kind.HOST, revoked_at=None))
    for token in live:
        tokens.revoke(token)
    audit.record(actor, "revoke host", host.name, host=host.pk, tokens=[token.prefix for token in live])
    return len(live)


@endpoint("POST", kind=Token.Kind.ENROLL)
def enroll(request: ApiRequest) -> Any:
    """POST /api/v1/enroll {"name", "identity"} -> 201 {"host": id, "token": secret}."""
    enrolment = bodies.decode(request, Enrolment)
    _check(enrolment)
    host, secret = admit(enrolment, request.actor.token)
    audit.record(request.actor, "enrol host", host.name, host=host.pk, identity=host.identity)
    return JsonResponse({"host": host.pk, "token": secret}, status=201)
