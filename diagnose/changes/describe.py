"""A change in the form of the public API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from diagnose.models.change import Change

_AROUND_SECONDS = 1800


def as_json(change: Change) -> dict[str, Any]:
    """Prefetch `links` with their findings, and `host`, for lists."""
    return {
        "id": change.id,
        "kind": change.kind,
        "host": None if change.host is None else {"id": change.host.pk, "name": change.host.name},
        "service": change.service or None,
        "name": change.name,
        "before": change.before,
        "after": change.after,
        "at": _time(change.at),
        "origin": change.origin,
        "actor": change.actor or None,
        "text": change.text or None,
        "findings": [
            {"id": each.finding_id, "relation": each.relation, "headline": each.finding.headline}
            for each in change.links.all()
        ],
        "url": _url(change),
    }


def _url(change: Change) -> str:
    """Its row on the page, among what changed around it."""
    at = int(change.at.timestamp())
    return f"/changes?from={at - _AROUND_SECONDS}&to={at + _AROUND_SECONDS}#change-{change.id}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
