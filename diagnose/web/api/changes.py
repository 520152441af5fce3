"""`/changes`: what became different on hosts and in services, and near which findings that lies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.changes import describe
from diagnose.changes import query as changed
from diagnose.models.access import Role
from diagnose.web.api import paging, query, scope
from diagnose.web.api.change_answers import Change, ChangeList
from diagnose.web.api.describe import described

_SERVICE = query.text("service", "Only of this service and of whole hosts.")
_KIND = query.choice("kind", "Only of this kind.", ("", *changed.KINDS), "")
_SINCE = query.moment("since", "Only changes from then on:")
_UNTIL = query.moment("until", "Only changes before then:")


@endpoint("GET", role=Role.VIEWER)
@described(
    answer=ChangeList, query=(scope.ONE_HOST, _SERVICE, _KIND, _SINCE, _UNTIL, query.LIMIT, query.AFTER)
)
def changes(request: ApiRequest) -> dict[str, Any]:
    """List changes, the latest first: settings, limits, software, restarts, and what was declared."""
    host = scope.one_host(request)
    found = changed.list_changes(
        host_id=None if host is None else host.pk,
        service=_SERVICE.of(request) or None,
        kind=_KIND.of(request) or None,
        since=_time(_SINCE.of(request)),
        until=_time(_UNTIL.of(request)),
    )
    shown, following = paging.page_of(request, found)
    return {"results": [describe.as_json(each) for each in shown], "next": following}


@endpoint("GET", role=Role.VIEWER)
@described(answer=Change)
def change(_request: ApiRequest, change_id: str) -> dict[str, Any]:
    """One change with the findings near which it lies."""
    return describe.as_json(changed.get(change_id))


def _time(ns: int | None) -> datetime | None:
    return None if ns is None else datetime.fromtimestamp(ns / 1e9, UTC)
