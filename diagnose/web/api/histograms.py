"""`/histograms`: durations as quantiles and heat maps over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from django.views.decorators.gzip import gzip_page
from numpy.typing import NDArray

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.models.access import Role
from diagnose.store import histograms as store
from diagnose.store import series
from diagnose.store.histograms import HeatMap
from diagnose.web.api import answers, paging, query, scope
from diagnose.web.api.describe import described

_MOST_QUANTILES = 20
_METRIC = query.text("metric", "The metric, such as tcp_rtt_seconds.", required=True)
_SERVICE = query.text("service", "Only series that carry this service.")
_POINTS = query.whole("points", "About how many columns over time.", least=1, most=1000, default=60)
_MERGED = query.flag("merged", "One distribution of all that match, instead of one a series.")
_HEAT_MAP = query.flag("heat_map", "With the counts of every bucket in every column.")


def _shares(given: str) -> tuple[float, ...]:
    found = tuple(float(text) for text in given.split(","))
    if len(found) > _MOST_QUANTILES or not all(0 <= share <= 1 for share in found):
        raise ValueError(f"use up to {_MOST_QUANTILES} numbers from 0 to 1, with commas between them")
    return found


_QUANTILES: query.Parameter[tuple[float, ...]] = query.Parameter(
    "quantiles", "Which quantiles, such as 0.5,0.99.", _shares, (0.5, 0.9, 0.99), schema={"type": "string"}
)


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(
    answer=answers.DistributionList,
    query=(
        _METRIC, scope.HOST, _SERVICE, query.LABELS, query.FROM, query.TO, _QUANTILES, _POINTS, _MERGED, _HEAT_MAP,
        query.LIMIT, query.AFTER,
    ),
)  # fmt: skip
def histograms(request: ApiRequest) -> answers.DistributionList:
    """The distributions of one metric in a range, whole and over time.

    Buckets of one scheme add up exactly; a metric that was counted in two schemes has a distribution of each.
    """
    metric, host_ids, span = _METRIC.of(request), scope.host_ids(request), query.range_of(request)
    labels = query.labels_of(request)
    if _SERVICE.of(request):
        labels["service"] = _SERVICE.of(request)
    refs = series.find(host_ids, metric, labels)
    everything = [refs] if _MERGED.of(request) else [[ref] for ref in refs]
    groups, following = paging.page_of(request, everything)
    names = scope.names(ref.host_id for group in groups for ref in group)
    wanted, drawn = _QUANTILES.of(request), _HEAT_MAP.of(request)
    found = store.over_time(groups, span.start_ns, span.end_ns, _POINTS.of(request))
    return answers.DistributionList(
        [
            _answer(one, wanted, drawn, metric, *_who(group, names, _MERGED.of(request), labels))
            for group, maps in zip(groups, found, strict=True)
            for one in maps
        ],
        following,
    )


def _who(
    group: Sequence[series.SeriesRef], names: dict[int, answers.HostName], merged: bool, asked: dict[str, str]
) -> tuple[answers.HostName | None, dict[str, str]]:
    return (None, asked) if merged else (names[group[0].host_id], dict(group[0].labels))


def _answer(
    found: HeatMap,
    wanted: Sequence[float],
    drawn: bool,
    metric: str,
    host: answers.HostName | None,
    labels: dict[str, str],
) -> answers.Distribution:
    times = [datetime.fromtimestamp(ns / 1e9, UTC) for ns in found.times_ns.tolist()]
    counts = found.counts.sum(axis=1).tolist()
    whole = found.whole().quantiles(wanted)[0].tolist()
    return answers.Distribution(
        host=host,
        metric=metric,
        labels=labels,
        scheme=found.scheme,
        count=found.count,
        sum=found.sum,
        mean=found.sum / found.count if found.count else None,
        quantiles=[
            answers.Quantile(share, seconds)
            for share, seconds in zip(wanted, map(_known, whole), strict=True)
        ],
        times=times,
        counts=counts,
        means=[
            total / count if count else None for total, count in zip(found.sums.tolist(), counts, strict=True)
        ],
        over_time=[_column(column) for column in found.quantiles(wanted).T],
        heat_map=answers.DurationHeatMap(times, found.edges.tolist(), found.counts.tolist())
        if drawn
        else None,
    )


def _column(values: NDArray[np.float64]) -> list[float | None]:
    return [_known(value) for value in values.tolist()]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
