"""What pages and the API ask of captures."""

from __future__ import annotations

import re
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from diagnose.access.problems import Problem
from diagnose.captures import kinds
from diagnose.captures.lifecycle import OPEN
from diagnose.models import Capture, Host

STATES = tuple(Capture.State.values)
_ID = re.compile(r"[0-9A-Z]{26}", re.ASCII)


def get(capture_id: str) -> Capture:
    """Raises Problem 404."""
    capture = _captures().filter(id=capture_id).first() if is_id(capture_id) else None
    if capture is None:
        raise Problem(
            404,
            "No such capture",
            f"There is no capture {capture_id[:40]!r}; GET /api/v1/captures lists them.",
        )
    return capture


def group(group_id: str) -> list[Capture]:
    """By host name. Raises Problem 404."""
    found = list(_captures().filter(group=group_id).order_by("host__name", "id")) if is_id(group_id) else []
    if not found:
        detail = f"There is no group of captures {group_id[:40]!r}; GET /api/v1/captures lists them."
        raise Problem(404, "No such group", detail)
    return found


def list_captures(
    host: Host | None = None,
    state: str | None = None,
    requested_by: str | None = None,
    kind: str | None = None,
    service: str | None = None,
    text: str | None = None,
) -> QuerySet[Capture]:
    """Newest first, to be sliced. `state` may be a state, `open` for all that go on, or None for all.

    `text` is looked for in services, control groups, containers and reasons.
    """
    found = _captures()
    if host is not None:
        found = found.filter(host=host)
    if requested_by is not None:
        found = found.filter(requested_by=requested_by)
    if state is not None:
        found = found.filter(state__in=OPEN if state == "open" else [state])
    if kind is not None:
        found = found.filter(kind=kinds.ALIASES.get(kind, kind))
    if service is not None:
        found = found.filter(Q(service=service) | Q(result_service=service))
    if text is not None:
        fields = ("service", "result_service", "cgroup", "container", "reason")
        found = found.filter(reduce(or_, (Q(**{f"{field}__icontains": text}) for field in fields)))
    return found


def requesters() -> list[str]:
    """Whoever asked for a capture that is still known, by name."""
    return sorted(set(Capture.objects.order_by().values_list("requested_by", flat=True).distinct()))


def is_id(text: str) -> bool:
    """Whether it may be the id of a capture or a group: a ULID."""
    return _ID.fullmatch(text) is not None


def _captures() -> QuerySet[Capture]:
    return Capture.objects.select_related("host").prefetch_related("files")
