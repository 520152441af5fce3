"""Bearer tokens: made here, shown once, kept only as a hash."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import OperationalError, models
from django.utils import timezone

from diagnose.access.problems import Problem
from diagnose.models.access import Token, User
from diagnose.models.host import Host

log = logging.getLogger(__name__)

# The letter after "dg" tells a leaked secret's kind to whoever (or whatever scanner) finds it.
_PREFIXES = {
    Token.Kind.HOST: "dgh_",
    Token.Kind.USER: "dgu_",
    Token.Kind.SHARE: "dgs_",
    Token.Kind.ENROLL: "dge_",
}
_SHOWN_CHARACTERS = 12
# `last_used_at` is for people; writing it with every request would double the writes of ingest.
_LAST_USED_EVERY = timedelta(minutes=1)
# A collector that empties its spool sends many batches a second; so long its token is not looked up again.
_CHECKED_SECONDS = 5.0
_MOST_CHECKED = 10_000
_checked: dict[str, tuple[Token, float]] = {}


def digest_of(secret: str) -> str:
    """SHA-256 is enough for 256 random bits: there is nothing to guess slowly."""
    return hashlib.sha256(secret.encode()).hexdigest()


def issue(
    kind: Token.Kind,
    *,
    label: str = "",
    scopes: Sequence[str] = (),
    user: User | None = None,
    host: Host | None = None,
    lifetime: timedelta | None = None,
    hosts: int | None = None,
    enrolled_with: Token | None = None,
) -> str:
    """A new secret. Scopes of a user token are role names that lower its user's role; none keeps it.

    `hosts` is how many an enrolment token lets in, None any number; `enrolled_with` is the token that let this host in.
    """
    secret = _PREFIXES[kind] + secrets.token_urlsafe(32)
    Token.objects.create(
        kind=kind,
        digest=digest_of(secret),
        prefix=secret[:_SHOWN_CHARACTERS],
        label=label,
        scopes=list(scopes),
        user=user,
        host=host,
        hosts_left=hosts,
        enrolled_with=enrolled_with,
        expires_at=timezone.now() + lifetime if lifetime else None,
    )
    return secret


def refused(detail: str) -> Problem:
    """401 in the form that HTTP asks for."""
    return Problem(401, "Not authorised", detail, headers={"WWW-Authenticate": 'Bearer realm="diagnose"'})


def authenticate(secret: str) -> Token:
    """The live token of a secret. Raises Problem 401 when it is unknown, revoked, expired, or its user inactive."""
    digest = digest_of(secret)
    token, until = _checked.get(digest, (None, 0.0))
    if token is None or time.monotonic() > until:
        token = _authenticated(secret, digest)
        if token.kind == Token.Kind.HOST:
            _remember(digest, token)
    return token


def _remember(digest: str, token: Token) -> None:
    if len(_checked) >= _MOST_CHECKED:
        _checked.clear()
    _checked[digest] = token, time.monotonic() + _CHECKED_SECONDS


def _authenticated(secret: str, digest: str) -> Token:
    shown = f"{secret[:_SHOWN_CHARACTERS]}…"
    token = Token.objects.select_related("user", "host").filter(digest=digest).order_by().first()
    if token is None:
        raise refused(f"The token {shown} is not known here; enrol again or ask an admin for a new one.")
    now = timezone.now()
    if token.revoked_at is not None:
        raise refused(
            f"The token {shown} was revoked on {token.revoked_at:%Y-%m-%d %H:%M} UTC; ask for a new one."
        )
    if token.expires_at is not None and token.expires_at <= now:
        raise refused(
            f"The token {shown} expired on {token.expires_at:%Y-%m-%d %H:%M} UTC; ask for a new one."
        )
    if token.user is not None and not token.user.is_active:
        raise refused(f"The user of the token {shown} is not active; ask an admin.")
    if token.last_used_at is None or now - token.last_used_at > _LAST_USED_EVERY:
        _note_use(token, now)
    return token


def _note_use(token: Token, now: datetime) -> None:
    try:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    except OperationalError as error:  # a full disk is no reason to turn away who wants to read
        log.warning("the last use of token %s… was not noted: %s", token.prefix, error)


def spend(token: Token, identity: str) -> None:
    """One host less for an enrolment token. Raises Problem 401 when it has let in all that it was good for.

    A host that it let in already may come again: the answer to its first try may have been lost on the way.
    """
    if token.hosts_left is None or token.hosts_let_in.filter(host__identity=identity).exists():
        return
    if not Token.objects.filter(pk=token.pk, hosts_left__gt=0).update(hosts_left=models.F("hosts_left") - 1):
        raise refused(
            f"The enrolment token {token.prefix}… was used: it has let in all hosts that it was good for; "
            "ask for a new one."
        )


def revoke(token: Token) -> None:
    """From now on the token is refused, by other processes within seconds. Revoking twice keeps the first time."""
    _checked.pop(token.digest, None)
    Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
    token.refresh_from_db(fields=["revoked_at"])
