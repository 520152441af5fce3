"""One host's last window: read it, reason over it, record what holds."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

from diagnose import evaluations
from diagnose.correlate import engine, load
from diagnose.correlate.samples import Samples
from diagnose.findings import record
from diagnose.findings.advice.fitting import fitted
from diagnose.models.finding import Finding
from diagnose.models.host import Host

WINDOW = timedelta(seconds=120)
# Then the task ends, and another goes on: a task has a time limit.
_TASK_SECONDS = 20.0

log = logging.getLogger(__name__)
_evaluating = threading.Lock()


def evaluate_due() -> None:
    """Evaluate hosts until none is due. One thread of a process at a time: two would wait for one another."""
    if not _evaluating.acquire(blocking=False):
        return
    try:
        ends = time.monotonic() + _TASK_SECONDS
        while time.monotonic() < ends and (host_ids := evaluations.take()):
            for host_id in host_ids:
                _evaluate_one(host_id)
    finally:
        _evaluating.release()
    if evaluations.waiting():
        evaluations.send_task(1.0)


def _evaluate_one(host_id: int) -> None:
    """What goes wrong with one host must not hold up the others."""
    try:
        evaluate_host(host_id)
    except Exception:  # the task boundary, once for each host
        log.exception("host %d cannot be evaluated", host_id)


def evaluate_host(host_id: int, now: datetime | None = None) -> list[Finding]:
    """The findings that hold now. A host that sent nothing in the window is not judged: silence is not health."""
    host = Host.objects.filter(pk=host_id).first()
    if host is None:
        return []
    end = now or datetime.now(UTC)
    samples = load.window(host, end - WINDOW, end)
    if samples is None:
        return []
    return record.record(host, fitted(engine.evaluate(samples), samples), _window(samples))


def _window(samples: Samples) -> record.Window:
    return record.Window(_moment(samples.start_ns), _moment(samples.end_ns))


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)
