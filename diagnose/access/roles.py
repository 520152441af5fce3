"""The order of the roles: each may do all that the ones before it may."""

from __future__ import annotations

from collections.abc import Iterable

from diagnose.models.access import Role

_ORDER = (Role.VIEWER, Role.OPERATOR, Role.ADMIN)


def at_least(role: Role | None, needed: Role) -> bool:
    """Whether `role` includes `needed`; nobody (None) has no role at all."""
    return role is not None and _ORDER.index(role) >= _ORDER.index(needed)


def narrowed(role: Role, scopes: Iterable[str]) -> Role | None:
    """The role a token carries: its owner's, lowered to the highest role among its scopes if it has any."""
    named = [known for known in _ORDER if known.value in set(scopes)]
    if not list(scopes):
        return role
    if not named:
        return None
    return min(role, named[-1], key=_ORDER.index)
