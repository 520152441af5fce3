"""`/captures/groups`: the same capture on several hosts at once."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from diagnose.access import bodies
from diagnose.access.endpoints import ApiRequest, by_method, endpoint
from diagnose.access.problems import Problem
from diagnose.captures import describe
from diagnose.captures import query as captures_in
from diagnose.captures.lifecycle import OPEN
from diagnose.captures.request import CaptureTarget, Wanted, cancel, request_group
from diagnose.models.access import Role
from diagnose.web.api import scope
from diagnose.web.api.capture_answers import CaptureGroup, NewCaptureGroup
from diagnose.web.api.describe import as_json, described


@endpoint("POST", role=Role.OPERATOR)
@described(answer=CaptureGroup, status=201, body=NewCaptureGroup, problems=(429,))
def create_group(request: ApiRequest) -> HttpResponse:
    """Ask several hosts for the same capture.

    One that cannot take it is in the group as failed, with the reason.
    """
    given = bodies.decode(request, NewCaptureGroup)
    named = {str(name): scope.host_named(str(name), "target.hosts") for name in given.target.hosts}
    hosts = {host.pk: host for host in named.values()}
    target = CaptureTarget(
        None, given.target.service or None, given.target.cgroup or None, given.target.container or None
    )
    wanted = Wanted(target, given.kind, given.seconds, given.hz, given.reason.strip())
    made = request_group(list(hosts.values()), wanted, request.actor)
    answer = as_json(describe.group_as_json(made), 201)
    answer.headers["Location"] = f"/api/v1/captures/groups/{made[0].group}"
    return answer


@endpoint("GET", role=Role.VIEWER)
@described(answer=CaptureGroup)
def get_group(_request: ApiRequest, group_id: str) -> dict[str, Any]:
    """The captures that one request asked for, as they are now."""
    return describe.group_as_json(captures_in.group(group_id))


@endpoint("DELETE", role=Role.OPERATOR)
@described(answer=CaptureGroup, problems=(409, 503))
def cancel_group(request: ApiRequest, group_id: str) -> dict[str, Any]:
    """Call off all captures of a group that go on."""
    going = [capture for capture in captures_in.group(group_id) if capture.state in OPEN]
    if not going:
        raise Problem(409, "Already ended", f"All captures of group {group_id} have ended.")
    for capture in going:
        cancel(capture, request.actor)
    return describe.group_as_json(captures_in.group(group_id))


groups = create_group
group = by_method(GET=get_group, DELETE=cancel_group)
