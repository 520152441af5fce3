"""Once a minute and host: how long its resources last, from the last hours of the store to rows of one table."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from django.db import transaction

from diagnose.correlate import history
from diagnose.correlate.outlook import WATCHED_SHARE, outlooks
from diagnose.models.forecast import ResourceForecast
from diagnose.models.host import Host

# Saw teeth of an hour or two show in it.
HISTORY = timedelta(hours=6)
# A host that sent nothing for so long has no forecast.
_SILENT = timedelta(minutes=5)

log = logging.getLogger(__name__)


def look_ahead(now: datetime | None = None) -> None:
    """Of every host that sent something lately."""
    at = now or datetime.now(UTC)
    for host in Host.objects.filter(last_seen_at__gte=at - _SILENT).order_by("id"):
        try:
            look_ahead_of(host, at)
        except Exception:  # the task boundary, once for each host
            log.exception("nothing can be told ahead of host %d", host.pk)


def look_ahead_of(host: Host, at: datetime) -> None:
    """Its rows, made anew."""
    found = outlooks(history.of_resources(host, at - HISTORY, at, WATCHED_SHARE))
    rows = [
        ResourceForecast(
            host=host, resource=each.resource, labels=dict(each.labels), at=at, **asdict(each.forecast)
        )
        for each in found
    ]
    with transaction.atomic():
        ResourceForecast.objects.filter(host=host).delete()
        ResourceForecast.objects.bulk_create(rows)


def of_host(host_id: int) -> list[ResourceForecast]:
    """What fills first comes first, then what is fullest."""
    rows = ResourceForecast.objects.filter(host_id=host_id)
    return sorted(rows, key=lambda row: (row.seconds is None, row.seconds or 0.0, -row.level / row.limit))
