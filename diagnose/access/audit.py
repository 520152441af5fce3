"""The append-only record of who did what to what."""

from __future__ import annotations

from typing import Any

from diagnose.access.actor import Actor
from diagnose.models.access import AuditEntry


def record(actor: Actor | str, action: str, subject: str = "", **detail: Any) -> None:
    """`action` is a verb phrase such as "request capture"; `detail` must be JSON."""
    name, address = (actor, None) if isinstance(actor, str) else (actor.name, actor.address)
    AuditEntry.objects.create(
        actor=name[:200], action=action, subject=subject[:300], detail=detail, address=address
    )
