"""`/captures`: ask a collector for a profile, see how that goes, call it off."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpResponse

from diagnose.access import bodies
from diagnose.access.endpoints import ApiRequest, by_method, endpoint
from diagnose.captures import describe, files, kinds
from diagnose.captures import query as captures_in
from diagnose.captures.request import CaptureTarget, Wanted, cancel, request_capture
from diagnose.models.access import Role
from diagnose.web.api import paging, query, scope
from diagnose.web.api.capture_answers import Capture, CaptureList, Kind, KindList, NewCapture
from diagnose.web.api.describe import as_json, described

_STATES = ("all", "open", *captures_in.STATES)
_STATE = query.choice("state", "Which captures; `open` are those that go on.", _STATES, "all")
_BY = query.text("by", "Only captures that this person asked for.")
_KIND = query.text("kind", "Only captures of this kind.")
_SERVICE = query.text("service", "Only captures that were asked of this service, or found it.")
_FOR = query.text("host", "The host, by id or name, of which `missing` tells. Default: none.")


@endpoint("GET", role=Role.VIEWER)
@described(answer=CaptureList, query=(scope.ONE_HOST, _STATE, _BY, _KIND, _SERVICE, query.LIMIT, query.AFTER))
def list_captures(request: ApiRequest) -> dict[str, Any]:
    """List captures, newest first."""
    state, limit = _STATE.of(request), query.LIMIT.of(request)
    found = captures_in.list_captures(
        host=scope.one_host(request),
        state=None if state == "all" else state,
        requested_by=_BY.of(request) or None,
        kind=_KIND.of(request) or None,
        service=_SERVICE.of(request) or None,
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

    The answer is the queued capture, or one that waits until its host has room; its events, or GET on it, say how it
    goes.
    """
    given = bodies.decode(request, NewCapture)
    target = CaptureTarget(
        given.target.pid,
        given.target.service or None,
        given.target.cgroup or None,
        given.target.container or None,
    )
    wanted = Wanted(target, given.kind, given.seconds, given.hz, given.reason.strip())
    made = request_capture(scope.host_named(str(given.target.host), "target.host"), wanted, request.actor)
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


@endpoint("GET", role=Role.VIEWER)
@described(answer=KindList, query=(_FOR,))
def list_kinds(request: ApiRequest) -> KindList:
    """The kinds of captures, and which of them a host's collector can take."""
    name = _FOR.of(request)
    missing = kinds.reasons(scope.host_named(name, "host")) if name else {}
    return KindList(
        [
            Kind(
                each.name,
                each.title,
                each.meaning,
                each.group,
                list(each.types),
                each.lasts,
                each.rated,
                missing.get(each.name) or None,
            )
            for each in kinds.ALL
        ]
    )


@endpoint("GET", role=Role.VIEWER)
@described(other_types=("application/octet-stream",), problems=(410,))
def file(_request: ApiRequest, capture_id: str, name: str) -> FileResponse:
    """A file of a capture, such as a Go execution trace for `go tool trace`."""
    content = files.opened(captures_in.get(capture_id), name)
    return FileResponse(content, as_attachment=True, filename=name, content_type="application/octet-stream")


captures = by_method(GET=list_captures, POST=create_capture)
capture = by_method(GET=get_capture, DELETE=cancel_capture)
