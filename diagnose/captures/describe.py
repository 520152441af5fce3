"""A capture as the API, the pages and the event streams show it."""

from __future__ import annotations

import datetime
from typing import Any

from diagnose.models import Capture


def as_json(capture: Capture) -> dict[str, Any]:
    """`result` says where the profile is, once the capture is done; before, and after any other end, it is null."""
    return {
        "id": capture.id,
        "state": capture.state,
        "progress": round(capture.progress, 3),
        "message": capture.message,
        "samples": capture.samples,
        "target": {
            "host": capture.host.name,
            "host_id": capture.host_id,
            "pid": capture.pid,
            "service": capture.service or None,
            "cgroup": capture.cgroup or None,
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
        "url": f"/captures/{capture.id}",
    }


def _result(capture: Capture) -> dict[str, Any] | None:
    if capture.state != Capture.State.DONE or capture.result_from_ns is None or capture.result_to_ns is None:
        return None
    return {
        "host_id": capture.host_id,
        "service": capture.result_service,
        "type": capture.kind,
        "from": _time(_moment(capture.result_from_ns)),
        "to": _time(_moment(capture.result_to_ns)),
    }


def _moment(nanoseconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(nanoseconds / 1e9, datetime.UTC)


def _time(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
