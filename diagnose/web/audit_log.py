"""The audit log, for admins: who did what to what, when, from where. Nobody can change it here."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render

from diagnose.access.pages import PageRequest, page
from diagnose.models import AuditEntry
from diagnose.models.access import Role

_PAGE = 100


@page(Role.ADMIN)
def audit_log(request: PageRequest) -> HttpResponse:
    """Filter by `q`: in who, what and whom."""
    words = request.GET.get("q", "").replace("\0", "").strip()[:200]
    found = AuditEntry.objects.all()
    if words:
        found = found.filter(
            Q(actor__icontains=words) | Q(action__icontains=words) | Q(subject__icontains=words)
        )
    shown = Paginator(found, _PAGE).get_page(request.GET.get("page"))
    return render(request, "audit_log.html", {"entries": shown, "words": words})
