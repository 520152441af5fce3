"""Celery tasks. Each takes ids, calls one function, may be run twice, and has a time limit."""

from __future__ import annotations

from typing import Any

from celery import Celery
from django.utils import timezone

from diagnose.alerts import deliver
from diagnose.captures import files, overdue, progress
from diagnose.celery import app
from diagnose.changes import follow
from diagnose.findings import evaluate, outlook
from diagnose.findings.verify import due
from diagnose.ingest import write
from diagnose.reports.diagnosis import weekly
from diagnose.store import retention, rollup


@app.task(name="diagnose.tasks.write_waiting")
def write_waiting() -> None:
    """Store the batches that wait in Redis."""
    write.write_waiting()


@app.task(name="diagnose.tasks.evaluate_due", time_limit=60)
def evaluate_due() -> None:
    """Correlate the last window of each host whose time has come, and record the findings."""
    evaluate.evaluate_due()


@app.task(name="diagnose.tasks.look_ahead")
def look_ahead() -> None:
    """Tell of each host how long its resources last."""
    outlook.look_ahead()


@app.task(name="diagnose.tasks.follow_changes")
def follow_changes() -> None:
    """Keep what changed on hosts, and tie it to the findings it lies near."""
    follow.follow()


@app.task(name="diagnose.tasks.verify_changes", time_limit=120)
def verify_changes() -> None:
    """Judge whether changes helped the findings they were made for."""
    due.verify_due()


@app.task(name="diagnose.tasks.roll_up")
def roll_up() -> None:
    """Recompute the rollups that new data touched, and seal finished hours."""
    rollup.roll_up()


@app.task(name="diagnose.tasks.retain")
def retain() -> None:
    """Drop what is older than its retention or over the disk budget."""
    retention.retain()
    files.tidy()


@app.task(name="diagnose.tasks.expire_captures")
def expire_captures() -> None:
    """End captures that no collector took, or whose collector went silent."""
    overdue.expire_captures()


@app.task(name="diagnose.tasks.complete_capture")
def complete_capture(
    capture_id: str, service: str, start_ns: int, end_ns: int, samples: int, types: list[str], unit: str
) -> None:
    """Profiles of a capture are committed in the store."""
    progress.complete(capture_id, progress.Stored(service, types, unit, start_ns, end_ns, samples))


@app.task(name="diagnose.tasks.make_weekly_report")
def make_weekly_report() -> None:
    """Make last week's report, if nobody has."""
    weekly.make_due(timezone.now())


@app.task(name="diagnose.tasks.tell_of_findings", time_limit=300)
def tell_of_findings() -> None:
    """Tell the channels of findings that opened or are over."""
    deliver.run()


@app.on_after_finalize.connect  # beat reads its configuration before it imports this module
def _schedule(sender: Celery, **_: Any) -> None:
    sender.add_periodic_task(60, roll_up.s(), name="roll up")
    sender.add_periodic_task(600, retain.s(), name="retain")
    sender.add_periodic_task(60, look_ahead.s(), name="look ahead")
    sender.add_periodic_task(10, follow_changes.s(), name="follow changes")
    sender.add_periodic_task(15, verify_changes.s(), name="verify changes")
    sender.add_periodic_task(5, expire_captures.s(), name="expire captures")
    sender.add_periodic_task(900, make_weekly_report.s(), name="weekly report")
    sender.add_periodic_task(10, tell_of_findings.s(), name="tell of findings")
