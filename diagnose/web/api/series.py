"""`/series`: readings over time, down-sampled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import numpy as np
from django.views.decorators.gzip import gzip_page

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.models.access import Role
from diagnose.store import series as store
from diagnose.store.series import Line
from diagnose.store.summaries import Aggregate
from diagnose.web.api import answers, paging, query, scope
from diagnose.web.api.describe import described

_METRIC = query.text("metric", "The metric, such as cpu_seconds_total.", required=True)
_SERVICE = query.text("service", "Only series that carry this service.")
_POINTS = query.whole("points", "About how many points a series.", least=2, most=5000, default=300)
_AGG = query.choice(
    "agg",
    "How points are brought together. Default: counters become rates per second, gauges averages.",
    ("", "rate", "avg", "max", "min", "sum"),
    "",
)


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(
    answer=answers.LineList,
    query=(
        _METRIC, scope.HOST, _SERVICE, query.LABELS, query.FROM, query.TO, _POINTS, _AGG, query.LIMIT, query.AFTER,
    ),
)  # fmt: skip
def series(request: ApiRequest) -> answers.LineList:
    """The series of one metric in a range, down-sampled."""
    metric, host_ids, span = _METRIC.of(request), scope.host_ids(request), query.range_of(request)
    labels = query.labels_of(request)
    if _SERVICE.of(request):
        labels["service"] = _SERVICE.of(request)
    points, agg = _POINTS.of(request), _AGG.of(request)
    refs, following = paging.page_of(request, store.find(host_ids, metric, labels))
    lines = store.range_(refs, span.start_ns, span.end_ns, points, cast(Aggregate, agg) if agg else None)
    names = scope.names(line.ref.host_id for line in lines)
    return answers.LineList([_answer(line, agg, names[line.ref.host_id]) for line in lines], following)


def _answer(line: Line, agg: str, host: answers.HostName) -> answers.Line:
    known = np.isfinite(line.values)  # sums of the greatest numbers that there are leave them behind
    return answers.Line(
        host=host,
        metric=line.ref.metric,
        labels=dict(line.ref.labels),
        counter=line.ref.counter,
        agg=agg or ("rate" if line.ref.counter else "avg"),
        times=[datetime.fromtimestamp(ns / 1e9, UTC) for ns in line.times_ns[known].tolist()],
        values=line.values[known].tolist(),
    )
