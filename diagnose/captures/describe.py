"""A capture as the API, the pages and the event streams show it."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from typing import Any

from diagnose.models import Capture


def as_json(capture: Capture) -> dict[str, Any]:
    """`result` says where the profile is, once there is one; `place` which in its host's line it is."""
    return {
        "id": capture.id,
        "group": capture.group or None,
        "state": capture.state,
        "place": place_of(capture),
        "progress": round(capture.progress, 3),
        "message": capture.message,
        "samples": capture.samples,
        "partial": capture.partial,
        "target": {
            "host": capture.host.name,
            "host_id": capture.host_id,
            "pid": capture.pid,
            "service": capture.service or None,
            "cgroup": capture.cgroup or None,
            "container": capture.container or None,
        },
        "kind": capture.kind,
        "seconds": capture.seconds,
        "hz": capture.hz,
        "reason": capture.reason,
        "requested_by": capture.requested_by,
        "requested_at": _time(capture.requested_at),
        "started_at": _time(capture.started_at),
        "ended_at": _time(capture.ended_at),
        "result": _result(capture),
        "files": [{"name": file.name, "bytes": file.bytes, "url": file.url} for file in capture.files.all()],
        "url": f"/captures/{capture.id}",
    }


def group_as_json(captures: Sequence[Capture]) -> dict[str, Any]:
    """Those of one group, which is never empty. `result` merges the profiles of the service most of them have."""
    group = captures[0].group
    return {
        "id": group,
        "states": dict(Counter(capture.state for capture in captures)),
        "captures": [as_json(capture) for capture in captures],
        "result": _group_result(captures),
        "url": f"/captures/groups/{group}",
    }


def place_of(capture: Capture) -> int | None:
    """In the line before its host, from 1; None when it does not wait."""
    if capture.state != Capture.State.WAITING:
        return None
    before = Capture.objects.filter(host=capture.host_id, state=Capture.State.WAITING, id__lt=capture.id)
    return before.count() + 1


def merged_of(captures: Sequence[Capture]) -> list[Capture]:
    """Those whose profiles can be shown as one: of the service that most of them found."""
    found = [capture for capture in captures if capture.has_profile]
    if not found:
        return []
    service, _ = Counter(capture.result_service for capture in found).most_common(1)[0]
    return [capture for capture in found if capture.result_service == service]


def _group_result(captures: Sequence[Capture]) -> dict[str, Any] | None:
    merged = merged_of(captures)
    if not merged:
        return None
    return {
        "service": merged[0].result_service,
        "types": merged[0].result_types,
        "hosts": [capture.host.name for capture in merged],
    }


def _result(capture: Capture) -> dict[str, Any] | None:
    if capture.result_from_ns is None or capture.result_to_ns is None:
        return None
    return {
        "host_id": capture.host_id,
        "service": capture.result_service,
        "type": next(iter(capture.result_types), ""),
        "types": capture.result_types,
        "from": _time(_moment(capture.result_from_ns)),
        "to": _time(_moment(capture.result_to_ns)),
    }


def _moment(nanoseconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(nanoseconds / 1e9, datetime.UTC)


def _time(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
