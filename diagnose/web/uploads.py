"""Profiles of other programs as files: brought here, looked at, and compared with one another."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.ingest import uploads as kept
from diagnose.models import Upload
from diagnose.models.access import Role
from diagnose.web.profile_choice import addresses

_SHOWN = 50


@page()
def uploads(request: PageRequest) -> HttpResponse:
    """The newest files; `upload` shows one, with the others to compare it with."""
    context = {
        "view": "uploads",
        "uploads": Upload.objects.all()[:_SHOWN],
        "may_upload": at_least(request.actor.role, Role.OPERATOR),
        **_shown(request),
    }
    return render(request, "uploads.html", context)


def _shown(request: PageRequest) -> dict[str, object]:
    if not request.GET.get("upload"):
        return {}
    upload = kept.get(request.GET["upload"])
    value = request.GET.get("value", "")
    value = value if value in upload.values else upload.values[0]
    found = addresses({"upload": upload.id, "value": value})
    return {**found, "upload": upload, "value": value, "function_url": ""}
