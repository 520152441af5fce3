"""The page of captures that one request asked for on several hosts: how each goes, and their profiles as one."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.captures import describe, kinds
from diagnose.captures import query as captures_in
from diagnose.captures.lifecycle import OPEN
from diagnose.models.access import Role
from diagnose.web import capture_states
from diagnose.web.profile_choice import addresses


@page()
def capture_group(request: PageRequest, group_id: str) -> HttpResponse:
    """The page's script loads the rows again while any goes on, and then the graph."""
    group = captures_in.group(group_id)
    record = describe.group_as_json(group)
    result = record["result"]
    types = result["types"] if result else []
    type_ = request.GET.get("type", "") if request.GET.get("type") in types else next(iter(types), "")
    going = sum(capture.state in OPEN for capture in group)
    context = {
        "group": group_id,
        "first": group[0],
        "kind": kinds.of(group[0].kind),
        "rows": [(capture, *capture_states.words_of(capture)) for capture in group],
        "going": going,
        "result": result,
        "type": type_,
        "may_capture": at_least(request.actor.role, Role.OPERATOR),
        **addresses({"capture_group": group_id, **({"type": type_} if type_ else {})}),
    }
    return render(request, "capture_group.html", context)
