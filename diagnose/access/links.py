"""One-time sign-in links: how the first admin gets in without a password."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.utils import timezone

from diagnose.access.problems import Problem
from diagnose.access.tokens import digest_of
from diagnose.models.access import SignInLink, User


def create(user: User, lifetime: timedelta) -> str:
    """The secret of a new link; the address is `/sign-in/<secret>`."""
    secret = secrets.token_urlsafe(24)
    SignInLink.objects.create(user=user, digest=digest_of(secret), expires_at=timezone.now() + lifetime)
    return secret


def redeem(secret: str) -> User:
    """The link's user, once. Raises Problem 401 for an unknown secret, 410 for a used or expired one."""
    link = SignInLink.objects.select_related("user").filter(digest=digest_of(secret)).first()
    if link is None or not link.user.is_active:
        raise Problem(401, "Unknown sign-in link", "This link is not known here; ask for a new one.")
    now = timezone.now()
    # One UPDATE decides: of two people opening the link at once, one gets in.
    if not SignInLink.objects.filter(pk=link.pk, used_at=None, expires_at__gt=now).update(used_at=now):
        why = "was already used" if link.used_at or link.expires_at > now else "has expired"
        raise Problem(410, "Sign-in link is spent", f"This sign-in link {why}; ask for a new one.")
    return link.user
