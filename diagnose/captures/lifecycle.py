"""The states of a capture, which may follow which, and telling those who watch."""

from __future__ import annotations

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
# Those that the host is busy with, and those that are not over.
GOING = (State.QUEUED, State.SENT, State.RUNNING)
OPEN = (State.WAITING, *GOING)
# A state is only left forwards: reports may overtake each other on their way.
_BEFORE: dict[str, tuple[str, ...]] = {
    State.QUEUED: (State.WAITING,),
    State.SENT: (State.QUEUED,),
    State.RUNNING: GOING,
    # A collector that was cut off for a while was given up; its profile may still arrive, and then it is there.
    State.DONE: (*GOING, State.FAILED, State.EXPIRED),
    State.FAILED: OPEN,
    State.REFUSED: OPEN,
    State.CANCELLED: OPEN,
    State.EXPIRED: (State.WAITING, State.QUEUED, State.SENT),
}
EVENTS_SECONDS = 3600


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
