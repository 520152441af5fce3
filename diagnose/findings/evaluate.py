"""One host's last window: read it, reason over it, record what holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from diagnose.correlate import engine, load
from diagnose.correlate.samples import Samples
from diagnose.findings import record
from diagnose.models.finding import Finding
from diagnose.models.host import Host

WINDOW = timedelta(seconds=120)


def evaluate_host(host_id: int, now: datetime | None = None) -> list[Finding]:
    """The findings that hold now. A host that sent nothing in the window is not judged: silence is not health."""
    host = Host.objects.filter(pk=host_id).first()
    if host is None:
        return []
    end = now or datetime.now(UTC)
    samples = load.window(host, end - WINDOW, end)
    if samples is None:
        return []
    return record.record(host, engine.evaluate(samples), _window(samples))


def _window(samples: Samples) -> record.Window:
    return record.Window(_moment(samples.start_ns), _moment(samples.end_ns))


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)
