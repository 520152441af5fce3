"""The first admin: made at the first start, let in by a one-time link, with an API token for scripts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from diagnose.access import audit, links, tokens
from diagnose.access.actor import Actor
from diagnose.access.problems import Problem
from diagnose.models.access import Role, Token, User

_FIRST_ADMIN = "admin"
LINK_LIFETIME = timedelta(days=1)


def first_admin() -> User:
    """The oldest active admin; one without a password is made when there is none."""
    known = User.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk").first()
    if known is not None:
        return known
    user = User.objects.create_user(_FIRST_ADMIN, role=Role.ADMIN)  # no password: the link is the only way in
    audit.record("manage.py", "create user", user.username, role=Role.ADMIN.value)
    return user


def first_link(user: User) -> str | None:
    """A one-time link's secret while the user has never signed in, None afterwards."""
    return links.create(user, LINK_LIFETIME) if user.last_login is None else None


def keep_admin_token(user: User, path: Path) -> bool:
    """Make sure that `path` holds a working API token of `user`, readable by its owner only. True: it is new."""
    if path.exists() and _works(path.read_text().strip()):
        return False
    secret = tokens.issue(Token.Kind.USER, label=f"{path.name} in DATA_DIR", user=user)
    write_secret(path, secret)
    audit.record("manage.py", "issue token", user.username, file=path.name)
    return True


def change(user: User, by: Actor, role: str, *, active: bool) -> None:
    """Give a user another role, or let the user go; sessions and tokens end with that. Raises Problem 409, 422.

    The last admin stays one: nobody could make another.
    """
    if role not in Role.values:
        raise Problem(422, "No such role", f"{role[:40]!r} is no role: use one of {', '.join(Role.values)}.")
    others = User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=user.pk)
    if (
        user.role == Role.ADMIN
        and user.is_active
        and not (active and role == Role.ADMIN)
        and not others.exists()
    ):
        raise Problem(409, "Last admin", f"{user.username} is the last admin: make another one first.")
    before = {"role": user.role, "active": user.is_active}
    user.role, user.is_active = role, active
    user.save(update_fields=["role", "is_active"])
    audit.record(by, "change user", user.username, before=before, after={"role": role, "active": active})


def write_secret(path: Path, secret: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(secret + "\n")
    draft.replace(path)


def _works(secret: str) -> bool:
    try:
        tokens.authenticate(secret)
    except Problem:
        return False
    return True
