"""`/findings`: what is wrong, how it is known, what to do; and what people did about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from diagnose.access import bodies
from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.findings import actions, describe
from diagnose.findings import query as found_in
from diagnose.models.access import Role
from diagnose.web.api import answers, paging, query, scope
from diagnose.web.api.describe import described
from diagnose.web.api.finding_answers import Finding, FindingList

_STATE = query.choice("state", "Which findings.", ("open", "resolved", "muted", "all"), "open")
_SERVICE = query.text("service", "Only this service.")
_RULE = query.text("rule", "Only this rule, such as network.accept_queue_overflow.")
_SINCE = query.moment("since", "Only findings that were still there then:")
_UNTIL = query.moment("until", "Only findings that were there by then:")


@endpoint("GET", role=Role.VIEWER)
@described(
    answer=FindingList,
    query=(scope.ONE_HOST, _SERVICE, _RULE, _STATE, _SINCE, _UNTIL, query.LIMIT, query.AFTER),
)
def findings(request: ApiRequest) -> dict[str, Any]:
    """List findings, best first: root causes by rank, then the symptoms they explain, then the rest."""
    found = found_in.list_findings(
        _STATE.of(request),
        host=scope.one_host(request),
        service=_SERVICE.of(request) or None,
        rule=_RULE.of(request) or None,
        since=_time(_SINCE.of(request)),
        until=_time(_UNTIL.of(request)),
    )
    shown, following = paging.page_of(request, found)
    return {"results": [describe.as_json(each) for each in shown], "next": following}


@endpoint("GET", role=Role.VIEWER)
@described(answer=Finding)
def finding(_request: ApiRequest, finding_id: str) -> dict[str, Any]:
    """One finding with its evidence and recommendations."""
    return describe.as_json(found_in.get(finding_id))


@endpoint("POST", role=Role.OPERATOR)
@described(answer=Finding, body=answers.Acknowledge)
def acknowledge(request: ApiRequest, finding_id: str) -> dict[str, Any]:
    """Say that somebody looks after it."""
    given = bodies.decode(request, answers.Acknowledge)
    return describe.as_json(actions.acknowledge(found_in.get(finding_id), request.actor, given.note))


@endpoint("POST", role=Role.OPERATOR)
@described(answer=Finding, body=answers.Mute, problems=(409,))
def mute(request: ApiRequest, finding_id: str) -> dict[str, Any]:
    """Hide it for a time, even when it goes and comes back."""
    given, found = bodies.decode(request, answers.Mute), found_in.get(finding_id)
    return describe.as_json(actions.mute(found, request.actor, seconds=given.seconds, reason=given.reason))


@endpoint("POST", role=Role.OPERATOR)
@described(answer=Finding, body=answers.Applied)
def applied(request: ApiRequest, finding_id: str) -> dict[str, Any]:
    """Say that its recommendation was followed."""
    given = bodies.decode(request, answers.Applied)
    return describe.as_json(actions.applied(found_in.get(finding_id), request.actor, given.note))


@endpoint("POST", role=Role.OPERATOR)
@described(answer=Finding, body=answers.Feedback)
def feedback(request: ApiRequest, finding_id: str) -> dict[str, Any]:
    """Say whether it was right."""
    given, found = bodies.decode(request, answers.Feedback), found_in.get(finding_id)
    return describe.as_json(actions.feedback(found, request.actor, right=given.right, text=given.text))


def _time(ns: int | None) -> datetime | None:
    return None if ns is None else datetime.fromtimestamp(ns / 1e9, UTC)
