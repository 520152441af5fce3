"""`/profiles`: what is stored, merged into a flame graph or a list of functions."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.views.decorators.gzip import gzip_page

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.access.problems import Problem
from diagnose.captures import query as captures
from diagnose.models.access import Role
from diagnose.reports.export import folded, speedscope
from diagnose.store import flamegraph as graphs
from diagnose.store import profiles as store
from diagnose.store.profiles import Merged, Selector
from diagnose.web.api import answers, paging, query, scope
from diagnose.web.api.describe import as_json, described

TYPES = ("cpu", "wall", "gil", "offcpu", "alloc_space", "inuse_space", "goroutine", "mutex", "block")
FORMATS = ("json", "folded", "speedscope")
_PLANNED = ("pprof", "svg")
_MOST_STACKS = 100_000

_SERVICE = query.text("service", "The service, by name; not needed with `capture`.")
_TYPE = query.choice("type", "The profile type.", TYPES, "cpu")
_CAPTURE = query.text(
    "capture", "Only the on-demand capture of this id; it says service, host and time by itself."
)
_THREADS = query.flag("threads", "Put the thread's name below the root.")
_CUT = query.share("cut", "Leave out nodes under this share of the whole.", 0.0005)
_FORMAT = query.choice("format", "The answer's format.", (*FORMATS, *_PLANNED), "json")
_SELECT = (_SERVICE, _TYPE, scope.HOST, query.LABELS, query.FROM, query.TO, _CAPTURE)


@endpoint("GET", role=Role.VIEWER)
@described(
    answer=answers.StoredProfilesList, query=(scope.HOST, query.FROM, query.TO, query.LIMIT, query.AFTER)
)
def profiles(request: ApiRequest) -> answers.StoredProfilesList:
    """What is stored in the range, by service, type and host."""
    span = query.range_of(request)
    found = store.services(scope.host_ids(request), span.start_ns, span.end_ns)
    shown, following = paging.page_of(request, found)
    names = scope.names(each.host_id for each in shown)
    rows = [
        answers.StoredProfiles(each.service, names[each.host_id], each.type, each.profiles, each.seconds)
        for each in shown
        if each.host_id in names
    ]
    return answers.StoredProfilesList(rows, following)


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(
    answer=answers.FlameGraph,
    query=(*_SELECT, _THREADS, _CUT, _FORMAT),
    other_types=(folded.CONTENT_TYPE,),
    problems=(404, 409),
)
def flamegraph(request: ApiRequest) -> HttpResponse:
    """The profiles of a service in a range, merged into one flame graph.

    `format=folded` answers folded stacks as text, `format=speedscope` a file for speedscope.
    """
    shape = _FORMAT.of(request)
    if shape in _PLANNED:
        raise query.refusal("format", f"{shape!r} is not supported: use one of {', '.join(FORMATS)}")
    threads, cut = _THREADS.of(request), _CUT.of(request)
    chosen = _chosen(request)
    service, merged = chosen.selector.service, chosen.merged()
    if shape == "json":
        return as_json(graphs.build(service, merged, threads=threads, cut=cut).as_json())
    rows = graphs.stacks(service, merged, _MOST_STACKS)
    if shape == "folded":
        return HttpResponse(folded.export(rows, threads=threads), content_type=folded.CONTENT_TYPE)
    name = f"{service} {chosen.selector.type}"
    return as_json(speedscope.export(name, merged, rows, threads=threads))


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.FunctionList, query=(*_SELECT, query.LIMIT), problems=(404, 409))
def top(request: ApiRequest) -> answers.FunctionList:
    """The functions of a service in a range, those that ran longest themselves first."""
    limit, chosen = query.LIMIT.of(request), _chosen(request)
    service, merged = chosen.selector.service, chosen.merged()
    rows = graphs.top(service, merged, limit)
    return answers.FunctionList(
        service=service,
        type=chosen.selector.type,
        unit=merged.unit,
        period_ns=merged.period_ns,
        total=int(merged.counts.sum()),
        seconds=merged.seconds,
        profiles=merged.profiles,
        unreadable=merged.corrupt,
        results=[answers.Function(row.name, row.file, row.line, row.self, row.total) for row in rows],
        next=None,
    )


@dataclass(frozen=True, slots=True)
class _Chosen:
    selector: Selector
    start_ns: int
    end_ns: int

    def merged(self) -> Merged:
        return store.merge(self.selector, self.start_ns, self.end_ns)


def _chosen(request: ApiRequest) -> _Chosen:
    """What the query selects. Raises Problem 422 without service or capture, 404 for an unknown capture."""
    if _CAPTURE.of(request):
        return _of_capture(_CAPTURE.of(request))
    service, span = _SERVICE.of(request), query.range_of(request)
    if not service:
        raise query.refusal("service", "'' selects nothing: GET /api/v1/profiles lists what is stored")
    host_ids, labels = scope.host_ids(request), query.labels_of(request)
    return _Chosen(Selector(service, _TYPE.of(request), host_ids, labels), span.start_ns, span.end_ns)


def _of_capture(capture_id: str) -> _Chosen:
    capture = captures.get(capture_id)
    if capture.result_from_ns is None or capture.result_to_ns is None:
        raise Problem(
            409,
            "No result",
            f"Capture {capture_id} is {capture.state} and has no profile; GET /api/v1/captures/{capture_id} says why.",
        )
    selector = Selector(capture.result_service, capture.kind, (capture.host_id,), capture_id=capture.id)
    # A profile counts where it began, and the last may begin exactly at the end.
    return _Chosen(selector, capture.result_from_ns, capture.result_to_ns + 1)
