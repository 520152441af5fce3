"""Ends captures that nobody carries on: no collector took them, it went silent, or the profile never came."""

from __future__ import annotations

import datetime

from django.utils import timezone

from diagnose.captures import line
from diagnose.captures.command import TAKEN_WITHIN_SECONDS
from diagnose.captures.lifecycle import OPEN, State
from diagnose.models import Capture

# s; a collector reports twice a second while it samples, and retries a lost connection for a while
SILENCE_SECONDS = 30.0
# s; from the collector's "done" to the store: a spool that is being worked off may delay it
STORED_WITHIN_SECONDS = 120.0
# s; as long as a full line of the longest captures may take
TURN_WITHIN_SECONDS = 1800.0

_NOBODY = (
    "No collector took this request within {limit:.0f} s. Check on the host that `diagnose-collector status` says it "
    "is connected, and on the host's page here when it was last seen."
)
_NO_TURN = (
    "Others of this host went on for {limit:.0f} s before its turn came. Ask again, or cancel some of them."
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


def expire_captures(now: datetime.datetime | None = None) -> None:
    """End what is overdue, and let those begin whose turn has come though nobody told them."""
    now = now or timezone.now()
    waited_for = set()
    for capture in Capture.objects.filter(state__in=OPEN).select_related("host"):
        ends = overdue(capture, now)
        if ends is not None:
            state, message = ends
            line.end(capture, state, message=message)
        elif capture.state == State.WAITING:
            waited_for.add(capture.host_id)
    for host_id in sorted(waited_for):
        line.move_up(host_id)


def overdue(capture: Capture, now: datetime.datetime) -> tuple[str, str] | None:
    """How an open capture ends by itself at `now`, with the words for it; None while it may go on."""
    heard = capture.heard_at or capture.queued_at or capture.requested_at
    silent_seconds = (now - heard).total_seconds()
    if capture.state == State.WAITING:
        return _after(TURN_WITHIN_SECONDS, silent_seconds, State.EXPIRED, _NO_TURN)
    if capture.state == State.QUEUED:
        return _after(TAKEN_WITHIN_SECONDS, silent_seconds, State.EXPIRED, _NOBODY)
    if capture.state == State.SENT:
        return _after(TAKEN_WITHIN_SECONDS, silent_seconds, State.FAILED, _NOT_BEGUN)
    if capture.progress >= 1:
        return _after(STORED_WITHIN_SECONDS, silent_seconds, State.FAILED, _NOT_STORED)
    return _after(SILENCE_SECONDS, silent_seconds, State.FAILED, _SILENT)


def _after(limit: float, seconds: float, state: str, words: str) -> tuple[str, str] | None:
    return (state, words.format(limit=limit, seconds=seconds)) if seconds > limit else None
