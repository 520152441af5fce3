"""What of a host could not be checked, kept with its last evaluation: unknown is a result, never taken for health."""

from __future__ import annotations

from datetime import datetime, timedelta

from diagnose.correlate import catalogue
from diagnose.correlate.rule import Unknown
from diagnose.models.evaluation import HostEvaluation
from diagnose.models.host import Host

# Evaluations come every few seconds and mostly say the same: the row is written that often at least.
_WRITTEN = timedelta(seconds=60)


def keep(host: Host, unknown: tuple[Unknown, ...], at: datetime) -> None:
    rows = [{"what": each.what, "why": each.why} for each in unknown]
    last = of_host(host.pk)
    if last is not None and last.unknown == rows and at - last.at < _WRITTEN:
        return
    checked = len({rule.id for rule in catalogue.all_rules()} - {each.what for each in unknown})
    HostEvaluation.objects.update_or_create(
        host=host, defaults={"at": at, "checked": checked, "unknown": rows}
    )


def of_host(host_id: int) -> HostEvaluation | None:
    """None before the first evaluation."""
    return HostEvaluation.objects.filter(host_id=host_id).first()
