"""Reads hours of a host's resources from the store, and the table of forecasts that was made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from diagnose.correlate import resources
from diagnose.correlate.forecast import Forecast, Outlook
from diagnose.correlate.samples import Samples, Series
from diagnose.models.forecast import ResourceForecast
from diagnose.models.host import Host
from diagnose.store import facts
from diagnose.store import series as store

# Three readings of the slowest probe of a resource.
_NOW_NS = 120 * 10**9
# A row that was not made anew for so long tells of a host that is silent.
_VALID = timedelta(minutes=5)


def of_resources(host: Host, start: datetime, end: datetime, least_share: float) -> Samples:
    """A reading a minute of those that are filled to that share, and their limits as they are at the end."""
    start_ns, end_ns = (int(at.timestamp() * 1e6) * 1000 for at in (start, end))
    refs = store.of_host(host.pk, resources.READS)
    known = {fact.name: fact.value for fact in facts.facts(host.pk)}
    points = store.read(refs, end_ns - _NOW_NS, end_ns)
    now = _grouped(Series(ref.metric, ref.labels, *points[ref.id]) for ref in refs if ref.id in points)
    filled = {
        _where(level.resource.metric, level.labels)
        for level in resources.levels(Samples(host.name, end_ns - _NOW_NS, end_ns, now, known))
        if level.used[-1] >= least_share * level.limit
    }
    chosen = [ref for ref in refs if _where(ref.metric, ref.labels) in filled]
    lines = store.range_(chosen, start_ns, end_ns, round((end - start).total_seconds() / 60), "avg")
    past = _grouped(Series(each.ref.metric, each.ref.labels, each.times_ns, each.values) for each in lines)
    limits = {each.limit: now[each.limit] for each in resources.RESOURCES if each.limit in now}
    return Samples(host.name, start_ns, end_ns, limits | past, known)


def outlooks(host_id: int, at: datetime) -> tuple[Outlook, ...]:
    """What the last forecast of the host says will be full, as it stood then."""
    rows = ResourceForecast.objects.filter(host_id=host_id, seconds__isnull=False, at__gte=at - _VALID)
    return tuple(
        Outlook(
            row.resource,
            row.labels,
            Forecast(
                "fills",
                row.level,
                row.limit,
                row.per_second,
                row.slowest,
                row.fastest,
                row.seconds,
                row.soonest,
                row.latest,
            ),
        )
        for row in rows
    )


def _where(metric: str, labels: Mapping[str, str]) -> tuple[str, frozenset[tuple[str, str]]]:
    return metric, frozenset(labels.items())


def _grouped(found: Iterable[Series]) -> dict[str, tuple[Series, ...]]:
    groups: dict[str, list[Series]] = {}
    for series in found:
        if len((known := series.known()).values):
            groups.setdefault(known.metric, []).append(known)
    return {metric: tuple(group) for metric, group in groups.items()}
