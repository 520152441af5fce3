"""Views of the Series explorer that people keep under a name: each is the query of its address."""

from __future__ import annotations

from diagnose.models import SavedView, User

_MOST = 100


def views_of(user: User) -> list[SavedView]:
    """By name."""
    return list(SavedView.objects.filter(owner=user).order_by("name"))


def keep(user: User, name: str, address: str) -> None:
    """In place of one of the same name. Nothing is kept without a name, or beyond as many as a list can show."""
    name = "".join(char for char in name if char.isprintable()).strip()[:80]
    if name and len(address) <= SavedView.LONGEST and SavedView.objects.filter(owner=user).count() < _MOST:
        SavedView.objects.update_or_create(owner=user, name=name, defaults={"address": address})


def forget(user: User, view_id: str) -> None:
    if view_id.isdecimal():
        SavedView.objects.filter(owner=user, pk=int(view_id)).delete()
