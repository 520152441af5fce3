"""`/profiles`: what is stored, merged into a flame graph or a list of functions."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.gzip import gzip_page

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.models.access import Role
from diagnose.reports.export import folded, pprof, speedscope, svg
from diagnose.store import flamegraph as graphs
from diagnose.store import profiles as store
from diagnose.web.api import paging, profile_answers, query, scope, selection
from diagnose.web.api.cells import CELLS
from diagnose.web.api.describe import as_json, described
from diagnose.web.api.layering import with_layers
from diagnose.web.api.selection import CUT, FILE_OF, GROUP, SELECT, THREADS

FORMATS = ("json", "pprof", "folded", "speedscope", "svg")
_MOST_STACKS = 100_000
_FORMAT = query.choice("format", "The answer's format.", FORMATS, "json")


@endpoint("GET", role=Role.VIEWER)
@described(
    answer=profile_answers.StoredProfilesList,
    query=(scope.HOST, query.FROM, query.TO, query.LIMIT, query.AFTER),
)
def profiles(request: ApiRequest) -> profile_answers.StoredProfilesList:
    """What is stored in the range, by service, type and host."""
    span = query.range_of(request)
    found = store.services(scope.host_ids(request), span.start_ns, span.end_ns)
    shown, following = paging.page_of(request, found)
    names = scope.names(each.host_id for each in shown)
    rows = [
        profile_answers.StoredProfiles(
            each.service, names[each.host_id], each.type, each.profiles, each.seconds
        )
        for each in shown
        if each.host_id in names
    ]
    return profile_answers.StoredProfilesList(rows, following)


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(
    answer=profile_answers.FlameGraph,
    query=(*SELECT, CELLS, GROUP, *FILE_OF, THREADS, CUT, _FORMAT),
    other_types=(folded.CONTENT_TYPE, pprof.CONTENT_TYPE, svg.CONTENT_TYPE),
    problems=(404, 409),
)
def flamegraph(request: ApiRequest) -> HttpResponse:
    """The profiles of a service in a range, merged into one flame graph.

    `format=folded` answers folded stacks as text, `format=speedscope` a file for speedscope, `format=pprof` one for
    `go tool pprof`, `format=svg` a picture.
    """
    shape = _FORMAT.of(request)
    threads, cut = THREADS.of(request), CUT.of(request)
    chosen = selection.of_request(request)
    service, merged = chosen.service, chosen.merged()
    if shape in {"json", "svg"}:
        graph = graphs.build(service, merged, threads=threads, cut=cut)
        if shape == "svg":
            return HttpResponse(svg.export(graph), content_type=svg.CONTENT_TYPE)
        return as_json(with_layers(graph.as_json()))
    rows = graphs.stacks(service, merged, _MOST_STACKS)
    if shape == "folded":
        return HttpResponse(folded.export(rows, threads=threads), content_type=folded.CONTENT_TYPE)
    name = f"{service} {chosen.selector.type}"
    if shape == "pprof":
        span = {"start_ns": chosen.start_ns, "end_ns": chosen.end_ns}
        file = pprof.export(merged, rows, **span, threads=threads)
        return HttpResponse(file, content_type=pprof.CONTENT_TYPE)
    return as_json(speedscope.export(name, merged, rows, threads=threads))


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(
    answer=profile_answers.FunctionList,
    query=(*SELECT, CELLS, GROUP, *FILE_OF, query.LIMIT),
    problems=(404, 409),
)
def top(request: ApiRequest) -> profile_answers.FunctionList:
    """The functions of a service in a range, those that ran longest themselves first."""
    limit, chosen = query.LIMIT.of(request), selection.of_request(request)
    service, merged = chosen.service, chosen.merged()
    rows = graphs.top(service, merged, limit)
    return profile_answers.FunctionList(
        service=service,
        type=chosen.selector.type,
        unit=merged.unit,
        period_ns=merged.period_ns,
        total=int(merged.counts.sum()),
        seconds=merged.seconds,
        profiles=merged.profiles,
        unreadable=merged.corrupt,
        results=[profile_answers.Function(row.name, row.file, row.line, row.self, row.total) for row in rows],
        next=None,
    )
