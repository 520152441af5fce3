"""Who makes a request: a person by session or token, a collector by its host token, or nobody."""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass

from django.http import HttpRequest

from diagnose.access import tokens
from diagnose.access.roles import narrowed
from diagnose.models.access import Role, Token
from diagnose.models.host import Host


@dataclass(frozen=True, slots=True)
class Actor:
    """`name` is what audit entries, captures and findings show; `role` is None for collectors and for nobody."""

    name: str
    role: Role | None
    token: Token | None
    host: Host | None
    address: str | None


def address_of(request: HttpRequest) -> str | None:
    """The peer's address. Forwarding headers are not trusted: anybody can send them."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def actor_of_token(token: Token, address: str | None) -> Actor:
    """A user token acts as its user; host and enrolment tokens have no role."""
    if token.user is not None and token.kind == Token.Kind.USER:
        return Actor(token.user.username, narrowed(Role(token.user.role), token.scopes), token, None, address)
    name = f"collector of {token.host.name}" if token.host else f"{token.kind} token {token.prefix}"
    return Actor(name, None, token, token.host, address)


def actor_of_session(request: HttpRequest) -> Actor:
    """The signed-in user, or an actor without role."""
    user = request.user
    if user.is_authenticated and user.is_active:
        return Actor(user.username, Role(user.role), None, None, address_of(request))
    return Actor("nobody", None, None, None, address_of(request))


def bearer_of(request: HttpRequest) -> str | None:
    """The secret of an `Authorization: Bearer` header, or the password of a `Basic` one; None without either.

    Pyroscope's and Prometheus' clients have a field for a password where others have one for a token.
    """
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return _password(secret.strip())
    return secret.strip() if scheme.lower() == "bearer" else None


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def identify(request: HttpRequest) -> Actor:
    """The actor of a request: a bearer token counts before a session. Raises Problem 401 for a bad token."""
    secret = bearer_of(request)
    if secret is None:
        return actor_of_session(request)
    return actor_of_token(tokens.authenticate(secret), address_of(request))
