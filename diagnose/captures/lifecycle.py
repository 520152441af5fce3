"""The states of a capture: which may follow which, and what ends a capture that nobody carries on."""

from __future__ import annotations

import datetime
import json
import logging
from typing import Any

import redis
from django.db import transaction
from django.utils import timezone

from diagnose import queue
from diagnose.captures.describe import as_json
from diagnose.models import Capture

_LOG = logging.getLogger(__name__)

State = Capture.State
OPEN = (State.QUEUED, State.SENT, State.RUNNING)
# A state is only left forwards: reports may overtake each other on their way.
_BEFORE: dict[str, tuple[str, ...]] = {
    State.SENT: (State.QUEUED,),
    State.RUNNING: OPEN,
    # A collector that was cut off for a while was given up; its profile may still arrive, and then it is there.
    State.DONE: (*OPEN, State.FAILED, State.EXPIRED),
    State.FAILED: OPEN,
    State.CANCELLED: OPEN,
    State.EXPIRED: (State.QUEUED, State.SENT),
}

# s; a collector that waits for commands takes one within a fraction of a second, one that polls within five
TAKEN_WITHIN_SECONDS = 30.0
# s; a collector reports twice a second while it samples, and retries a lost connection for a while
SILENCE_SECONDS = 30.0
# s; from the collector's "done" to the store: a spool that is being worked off may delay it
STORED_WITHIN_SECONDS = 120.0
EVENTS_SECONDS = 3600

_NOBODY = (
    "No collector took this request within {limit:.0f} s. Check on the host that `diagnose-collector status` says it "
    "is connected, and on the host's page here when it was last seen."
)
_NOT_BEGUN = (
    "The collector took the request and then said nothing for {seconds:.0f} s: it stopped or was restarted."
)
_SILENT = (
    "The collector stopped reporting {seconds:.0f} s ago, in the middle of the capture. Check that it and the process "
    "still run, and ask again."
)
_NOT_STORED = (
    "The profile was taken, but has not arrived {seconds:.0f} s later. The host's page shows whether its batches are "
    "delayed or quarantined."
)


def advance(capture: Capture, state: str, **changes: Any) -> bool:
    """Move to `state` if that is a step forwards, tell those who watch, and say whether it was.

    `capture` then holds what the database holds.
    """
    if state not in OPEN:
        changes["ended_at"] = timezone.now()
    with transaction.atomic():
        moved = Capture.objects.filter(id=capture.id, state__in=_BEFORE[state]).update(state=state, **changes)
    capture.refresh_from_db()
    if moved:
        announce(capture)
    return bool(moved)


def announce(capture: Capture) -> None:
    """Put the capture as it is now on its stream. Without Redis the pages poll, so that only costs time."""
    try:
        queue.append(queue.capture_stream(capture.id), "event", json.dumps(as_json(capture)), EVENTS_SECONDS)
    except redis.RedisError as error:
        _LOG.warning("cannot announce capture %s: %s", capture.id, error)


def expire_captures(now: datetime.datetime | None = None) -> None:
    """End captures that no collector took, whose collector went silent, or whose profile did not arrive."""
    now = now or timezone.now()
    for capture in Capture.objects.filter(state__in=OPEN).select_related("host"):
        end = overdue(capture, now)
        if end is not None:
            state, message = end
            advance(capture, state, message=message)


def overdue(capture: Capture, now: datetime.datetime) -> tuple[str, str] | None:
    """How an open capture ends by itself at `now`, with the words for it; None while it may go on."""
    heard = capture.heard_at or capture.requested_at
    silent_seconds = (now - heard).total_seconds()
    if capture.state == State.QUEUED:
        return _after(TAKEN_WITHIN_SECONDS, silent_seconds, State.EXPIRED, _NOBODY)
    if capture.state == State.SENT:
        return _after(TAKEN_WITHIN_SECONDS, silent_seconds, State.FAILED, _NOT_BEGUN)
    if capture.progress >= 1:
        return _after(STORED_WITHIN_SECONDS, silent_seconds, State.FAILED, _NOT_STORED)
    return _after(SILENCE_SECONDS, silent_seconds, State.FAILED, _SILENT)


def _after(limit: float, seconds: float, state: str, words: str) -> tuple[str, str] | None:
    return (state, words.format(limit=limit, seconds=seconds)) if seconds > limit else None
