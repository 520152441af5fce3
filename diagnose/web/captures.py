"""The list of on-demand profiles, with the form that asks for one."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.captures import kinds
from diagnose.captures import query as captures_in
from diagnose.models import Host
from diagnose.models.access import Role
from diagnose.store import hosts as host_store
from diagnose.web import capture_form, capture_states

_PAGE = 50
_FILTERS = ("on", "kind", "by", "q", "state")


@page()
def captures(request: PageRequest) -> HttpResponse:
    """Filter by `state`, `on` (a host), `kind`, `by` and `q`; `host`, `service`, `pid`, `type`, `reason` fill the form.

    With `list`, by which the page follows what goes on, the long parts of the form are left out.
    """
    given = {name: text.replace("\0", "") for name, text in request.GET.dict().items()}
    state = given.get("state", "") if given.get("state") in dict(capture_states.CHOICES) else ""
    hosts = host_store.hosts()
    found = captures_in.list_captures(
        host=_host(given.get("on", "")),
        state=state or None,
        requested_by=given.get("by") or None,
        kind=given.get("kind") or None,
        text=given.get("q") or None,
    )
    after = given.get("after", "")
    shown = list((found.filter(id__lt=after) if after else found).order_by("-id")[: _PAGE + 1])
    context = {
        "rows": [(each, kinds.of(each.kind), *capture_states.words_of(each)) for each in shown[:_PAGE]],
        "next": shown[_PAGE - 1].id if len(shown) > _PAGE else None,
        "state": state,
        "states": capture_states.CHOICES,
        "filters": {name: given.get(name, "") for name in _FILTERS},
        "filtered": any(given.get(name) for name in _FILTERS),
        "all_kinds": kinds.ALL,
        "people": captures_in.requesters(),
        "may_capture": at_least(request.actor.role, Role.OPERATOR),
        **capture_form.fill(hosts, given, whole="list" not in given),
    }
    return render(request, "captures.html", context)


def _host(given: str) -> Host | None:
    return Host.objects.filter(pk=int(given)).first() if given.isascii() and given.isdecimal() else None
