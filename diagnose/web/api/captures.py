"""`/captures`: ask a collector for a profile, see how that goes, call it off."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from diagnose.access import bodies
from diagnose.access.endpoints import ApiRequest, by_method, endpoint
from diagnose.captures import describe
from diagnose.captures import query as captures_in
from diagnose.captures.request import CaptureTarget, cancel, request_capture
from diagnose.models.access import Role
from diagnose.web.api import paging, query, scope
from diagnose.web.api.capture_answers import Capture, CaptureList, NewCapture
from diagnose.web.api.describe import as_json, described

_STATES = ("all", "open", "queued", "sent", "running", "done", "failed", "cancelled", "expired")
_STATE = query.choice("state", "Which captures; `open` are those that go on.", _STATES, "all")
_BY = query.text("by", "Only captures that this person asked for.")


@endpoint("GET", role=Role.VIEWER)
@described(answer=CaptureList, query=(scope.ONE_HOST, _STATE, _BY, query.LIMIT, query.AFTER))
def list_captures(request: ApiRequest) -> dict[str, Any]:
    """List captures, newest first."""
    state, limit = _STATE.of(request), query.LIMIT.of(request)
    found = captures_in.list_captures(
        host=scope.one_host(request),
        state=None if state == "all" else state,
        requested_by=_BY.of(request) or None,
    )
    # Captures are added all the time, so a page begins below an id (they sort by time), not at a position.
    after = query.AFTER.of(request)
    shown = list((found.filter(id__lt=after) if after else found).order_by("-id")[: limit + 1])
    following = paging.next_url(request, shown[limit - 1].id) if len(shown) > limit else None
    return {"results": [describe.as_json(each) for each in shown[:limit]], "next": following}


@endpoint("POST", role=Role.OPERATOR)
@described(answer=Capture, status=201, body=NewCapture, problems=(429, 503))
def create_capture(request: ApiRequest) -> HttpResponse:
    """Ask a host's collector for a profile.

    The answer is the queued capture; its events, or GET on it, say how it goes.
    """
    given = bodies.decode(request, NewCapture)
    target = CaptureTarget(given.target.pid, given.target.service or None, given.target.cgroup or None)
    made = request_capture(
        host=scope.host_named(str(given.target.host), "target.host"),
        target=target,
        kind=given.kind,
        seconds=given.seconds,
        hz=given.hz,
        reason=given.reason.strip(),
        actor=request.actor,
    )
    answer = as_json(describe.as_json(made), 201)
    answer.headers["Location"] = f"/api/v1/captures/{made.id}"
    return answer


@endpoint("GET", role=Role.VIEWER)
@described(answer=Capture)
def get_capture(_request: ApiRequest, capture_id: str) -> dict[str, Any]:
    """One capture as it is now."""
    return describe.as_json(captures_in.get(capture_id))


@endpoint("DELETE", role=Role.OPERATOR)
@described(answer=Capture, problems=(409, 503))
def cancel_capture(request: ApiRequest, capture_id: str) -> dict[str, Any]:
    """Call a capture off."""
    return describe.as_json(cancel(captures_in.get(capture_id), request.actor))


captures = by_method(GET=list_captures, POST=create_capture)
capture = by_method(GET=get_capture, DELETE=cancel_capture)
