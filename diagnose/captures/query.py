"""What pages and the API ask of captures."""

from __future__ import annotations

from django.db.models import QuerySet

from diagnose.access.problems import Problem
from diagnose.captures.lifecycle import OPEN
from diagnose.models import Capture, Host


def get(capture_id: str) -> Capture:
    """Raises Problem 404."""
    capture = Capture.objects.select_related("host").filter(id=capture_id).first()
    if capture is None:
        raise Problem(
            404,
            "No such capture",
            f"There is no capture {capture_id[:40]!r}; GET /api/v1/captures lists them.",
        )
    return capture


def list_captures(
    host: Host | None = None, state: str | None = None, requested_by: str | None = None
) -> QuerySet[Capture]:
    """Newest first, to be sliced. `state` may be a state, `open` for all that go on, or None for all."""
    found = Capture.objects.select_related("host")
    if host is not None:
        found = found.filter(host=host)
    if requested_by is not None:
        found = found.filter(requested_by=requested_by)
    if state is not None:
        found = found.filter(state__in=OPEN if state == "open" else [state])
    return found
