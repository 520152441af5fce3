"""`/profiles/sandwich` and `/profiles/function`: one function, by whom it is called, what it calls, and its share."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpResponse
from django.views.decorators.gzip import gzip_page

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.models.access import Role
from diagnose.store import sandwich as sandwiches
from diagnose.store import shares
from diagnose.web.api import profile_answers, query, selection
from diagnose.web.api.cells import CELLS
from diagnose.web.api.describe import as_json, described
from diagnose.web.api.selection import CUT, FILE, FILE_OF, FUNCTION, GROUP, SELECT

_SLICES = query.whole("slices", "About how many slices.", least=1, most=500, default=60)


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(
    answer=profile_answers.Sandwich,
    query=(*SELECT, CELLS, GROUP, *FILE_OF, FUNCTION, FILE, CUT),
    problems=(404, 409),
)
def sandwich(request: ApiRequest) -> HttpResponse:
    """One function between everything that calls it and everything it calls."""
    function, file, cut = FUNCTION.of(request), FILE.of(request), CUT.of(request)
    chosen = selection.of_request(request)
    return as_json(sandwiches.build(chosen.service, chosen.merged(), function, file, cut=cut).as_json())


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(answer=profile_answers.Shares, query=(*SELECT, FUNCTION, FILE, _SLICES), problems=(404, 409))
def function(request: ApiRequest) -> profile_answers.Shares:
    """A function's share of a service, slice by slice of the range.

    The slices of a range over six hours are whole hours.
    """
    name, file, slices = FUNCTION.of(request), FILE.of(request), _SLICES.of(request)
    chosen = selection.of_request(request)
    found = shares.of_function(chosen.selector, name, file, chosen.start_ns, chosen.end_ns, slices)
    return profile_answers.Shares(
        service=chosen.service,
        type=chosen.selector.type,
        function=name,
        file=file,
        width_seconds=found.width_ns / 1e9,
        starts=[datetime.fromtimestamp(ns / 1e9, UTC) for ns in found.starts_ns],
        samples=found.samples,
        self=found.self,
        total=found.total,
    )
