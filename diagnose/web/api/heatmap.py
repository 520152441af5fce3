"""`/profiles/heatmap`: when samples were taken, and a flame graph of a part of that."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpResponse
from django.views.decorators.gzip import gzip_page

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.models.access import Role
from diagnose.store import flamegraph as graphs
from diagnose.store import heatmap as heatmaps
from diagnose.store.heatmap import NoSampleTimes
from diagnose.store.rows import NS_PER_SECOND
from diagnose.web.api import profile_answers, query, selection
from diagnose.web.api.cells import CELLS, MOST_SECONDS
from diagnose.web.api.describe import as_json, described
from diagnose.web.api.layering import with_layers
from diagnose.web.api.selection import CUT, SELECT, THREADS, Selection

_ROWS = query.whole("rows", "Parts of a second.", least=1, most=1000, default=50)


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(answer=profile_answers.HeatMap, query=(*SELECT, _ROWS), problems=(404, 409))
def heatmap(request: ApiRequest) -> HttpResponse:
    """Seconds against the offset within each: how many samples were taken when.

    409 when there are profiles, but none that tells when its samples were taken.
    """
    rows, chosen = _ROWS.of(request), _chosen(request)
    try:
        found = heatmaps.build(chosen.selector, chosen.start_ns, chosen.end_ns, rows)
    except NoSampleTimes as error:
        raise selection.no_times(error) from None
    return as_json(found.as_json())


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(answer=profile_answers.FlameGraph, query=(*SELECT, CELLS, THREADS, CUT), problems=(404, 409))
def heatmap_flamegraph(request: ApiRequest) -> HttpResponse:
    """The samples of some cells of a heat map, or of a range to the millisecond, as a flame graph."""
    threads, cut, chosen = THREADS.of(request), CUT.of(request), _chosen(request)
    cells = chosen.cells or ((chosen.start_ns, chosen.end_ns),)
    merged = replace(chosen, cells=cells).merged()
    return as_json(with_layers(graphs.build(chosen.service, merged, threads=threads, cut=cut).as_json()))


def _chosen(request: ApiRequest) -> Selection:
    """Raises Problem 422 for a range of too many seconds."""
    chosen = selection.of_request(request)
    seconds = (chosen.end_ns - chosen.start_ns) / NS_PER_SECOND
    if seconds > MOST_SECONDS + 1:
        raise query.refusal("from", f"the range is {seconds:.0f} seconds long: choose up to {MOST_SECONDS}")
    return chosen
