"""The page of one capture: how it goes, what it gave, and the same compared with the hour before."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.captures import describe, kinds
from diagnose.captures import query as captures_in
from diagnose.captures.lifecycle import OPEN
from diagnose.models import Capture
from diagnose.models.access import Role
from diagnose.store import profiles
from diagnose.web import capture_states
from diagnose.web.profile_choice import addresses

BASELINE_SECONDS = 3600


@page()
def capture(request: PageRequest, capture_id: str) -> HttpResponse:
    """The page's script follows it while it goes on; `type` is one of the profile types it gave."""
    shown = captures_in.get(capture_id)
    words, chip = capture_states.words_of(shown)
    type_ = chosen_type(shown, request.GET.get("type", ""))
    context = {
        "capture": shown,
        "record": describe.as_json(shown),
        "words": words,
        "chip": chip,
        "all_words": capture_states.for_script(),
        "open": shown.state in OPEN,
        "kind": kinds.of(shown.kind),
        "type": type_,
        "files": list(shown.files.all()),
        "again_url": again_url(shown),
        "may_capture": at_least(request.actor.role, Role.OPERATOR),
        **addresses({"capture": shown.id, **({"type": type_} if type_ else {})}),
    }
    return render(request, "capture.html", context)


@page()
def compare(request: PageRequest, capture_id: str) -> HttpResponse:
    """What the capture saw against the same service's continuous profile of the hour before it."""
    shown = captures_in.get(capture_id)
    if shown.result_from_ns is None:
        return redirect("capture", capture_id)
    start_ns = shown.result_from_ns - BASELINE_SECONDS * 10**9
    type_ = chosen_type(shown, request.GET.get("type", ""))
    base = [
        each
        for each in profiles.services((shown.host_id,), start_ns, shown.result_from_ns)
        if (each.service, each.type) == (shown.result_service, type_)
    ]
    query = {
        "capture": shown.id,
        "type": type_,
        "base.from": f"{start_ns / 1e9:.3f}",
        "base.to": f"{shown.result_from_ns / 1e9:.3f}",
        "mode": "normalised",
    }
    context = {
        "capture": shown,
        "kind": kinds.of(shown.kind),
        "type": type_,
        "base": base[0] if base else None,
        "diff_url": f"/api/v1/profiles/diff?{urlencode(query)}",
    }
    return render(request, "capture_compare.html", context)


def chosen_type(capture: Capture, given: str) -> str:
    """Of the types it gave; '' while it gave none."""
    return given if given in capture.result_types else next(iter(capture.result_types), "")


def again_url(capture: Capture) -> str:
    """The form, filled in with the same."""
    where = {"host": capture.host_id, "pid": capture.pid, "service": capture.service, "type": capture.kind}
    given = {**where, "reason": capture.reason}
    return f"{reverse('captures')}?{urlencode({name: value for name, value in given.items() if value})}#new"
