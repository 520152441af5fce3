"""`/profiles/heatmap`: when samples were taken, and a flame graph of a part of that."""

from __future__ import annotations

import re

from django.http import HttpResponse
from django.views.decorators.gzip import gzip_page

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.access.problems import Problem
from diagnose.models.access import Role
from diagnose.store import flamegraph as graphs
from diagnose.store import heatmap as heatmaps
from diagnose.store.heatmap import Interval, NoSampleTimes
from diagnose.store.rows import NS_PER_MS, NS_PER_SECOND
from diagnose.web.api import profile_answers, query, selection
from diagnose.web.api.describe import as_json, described
from diagnose.web.api.selection import CUT, SELECT, THREADS, Selection

_MOST_SECONDS = 3600
_ROWS = query.whole("rows", "Parts of a second.", least=1, most=1000, default=50)
_CELLS = re.compile(r"(\d{1,10})(?:-(\d{1,10}))?:(\d{1,3})-(\d{1,4})")


def _cells(given: str) -> list[Interval]:
    """Raises ValueError with the remedy."""
    found = _CELLS.fullmatch(given)
    if found is None:
        raise ValueError(
            "use SECOND:MS-MS or SECOND-SECOND:MS-MS in Unix seconds, such as 1767225600:100-250"
        )
    first, last, begin_ms, end_ms = int(found[1]), int(found[2] or found[1]), int(found[3]), int(found[4])
    if not begin_ms < end_ms <= 1000 or not 0 <= last - first < _MOST_SECONDS:
        raise ValueError(f"use milliseconds from 0 to 1000, and up to {_MOST_SECONDS} seconds")
    return [
        (second * NS_PER_SECOND + begin_ms * NS_PER_MS, second * NS_PER_SECOND + end_ms * NS_PER_MS)
        for second in range(first, last + 1)
    ]


_REGION: query.Parameter[list[Interval]] = query.Parameter(
    "cells",
    "Only samples of this part of a second, or of each of these seconds, as SECOND:MS-MS or SECOND-SECOND:MS-MS; "
    "may be repeated. Default: the whole range.",
    _cells,
    [],
)


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(answer=profile_answers.HeatMap, query=(*SELECT, _ROWS), problems=(404, 409))
def heatmap(request: ApiRequest) -> HttpResponse:
    """Seconds against the offset within each: how many samples were taken when.

    404 when there are profiles, but none that tells when its samples were taken.
    """
    rows, chosen = _ROWS.of(request), _chosen(request)
    try:
        found = heatmaps.build(chosen.selector, chosen.start_ns, chosen.end_ns, rows)
    except NoSampleTimes as error:
        raise _no_times(error) from None
    return as_json(found.as_json())


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(answer=profile_answers.FlameGraph, query=(*SELECT, _REGION, THREADS, CUT), problems=(404, 409))
def heatmap_flamegraph(request: ApiRequest) -> HttpResponse:
    """The samples of some cells of a heat map, or of a range to the millisecond, as a flame graph."""
    cells = [interval for part in _REGION.all_of(request) for interval in part]
    threads, cut, chosen = THREADS.of(request), CUT.of(request), _chosen(request)
    try:
        merged = heatmaps.region(chosen.selector, cells or [(chosen.start_ns, chosen.end_ns)])
    except NoSampleTimes as error:
        raise _no_times(error) from None
    return as_json(graphs.build(chosen.service, merged, threads=threads, cut=cut).as_json())


def _chosen(request: ApiRequest) -> Selection:
    """Raises Problem 422 for a range of too many seconds."""
    chosen = selection.of_request(request)
    seconds = (chosen.end_ns - chosen.start_ns) / NS_PER_SECOND
    if seconds > _MOST_SECONDS + 1:
        raise query.refusal("from", f"the range is {seconds:.0f} seconds long: choose up to {_MOST_SECONDS}")
    return chosen


def _no_times(error: NoSampleTimes) -> Problem:
    return Problem(404, "No sample times", f"{error}: GET /api/v1/profiles/flamegraph shows them without.")
