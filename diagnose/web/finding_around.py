"""What happened around a finding, as a page of its own that the Finding page brings in: it reads a lot."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page

from diagnose.access.pages import PageRequest, page
from diagnose.findings import query
from diagnose.models import Finding
from diagnose.reports.around.beginnings import beginnings
from diagnose.reports.around.grown import Compared, grown
from diagnose.reports.around.pauses import attributions


@gzip_page
@page()
def finding_around(request: PageRequest, finding_id: str) -> HttpResponse:
    """What began with it, which functions grew, and how much of the slow moments pauses explain."""
    record = query.get(finding_id)
    compared = grown(record)
    context = {
        "record": record,
        "beginnings": beginnings(record),
        "compared": compared,
        "flamegraph_url": flamegraph_url(record, compared) if compared else "",
        "attributions": attributions(record),
    }
    return render(request, "finding_around.html", context)


def flamegraph_url(record: Finding, compared: Compared) -> str:
    """The flame graph of the bad span."""
    first, last = (int(at.timestamp()) for at in compared.bad)
    where = {"host": record.host_id, "service": record.service, "type": compared.type}
    return f"{reverse('profile')}?{urlencode(where | {'from': first, 'to': last})}"
