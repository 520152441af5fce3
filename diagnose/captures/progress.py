"""What collectors report on a capture, and ingest's word that its profile is stored."""

from __future__ import annotations

import logging
from typing import Any

from django.utils import timezone

from collectors.wire import CommandStatus
from diagnose.access.problems import Problem
from diagnose.captures.lifecycle import advance
from diagnose.models import Capture, Host

_LOG = logging.getLogger(__name__)
_LONGEST_MESSAGE = 2000
_NOTHING_SEEN = {
    "cpu": "No thread was on a CPU in any sample: the process was idle. A wall profile shows where it waits.",
    "gil": "No thread held the interpreter lock in any sample: the process was idle, or in native code.",
    "wall": "No thread was seen in any sample.",
}


def report(host: Host, status: CommandStatus) -> Capture:
    """Note how a capture goes on its host; what comes late or out of order changes nothing.

    Raises Problem 404 when the host has no such capture, 422 for a state that a collector cannot report.
    """
    capture = Capture.objects.select_related("host").filter(id=status.id, host=host).first()
    if capture is None:
        raise Problem(404, "No such capture", f"{host.name} has no capture {status.id[:40]!r}.")
    state = _state_of(status)
    changes: dict[str, Any] = {"heard_at": timezone.now()}
    if status.message:
        changes["message"] = status.message[:_LONGEST_MESSAGE]
    if state == Capture.State.RUNNING:
        # Reports may overtake each other; the bar never runs backwards.
        changes["progress"] = max(capture.progress, _share(status))
        changes["started_at"] = capture.started_at or timezone.now()
        changes["samples"] = max(capture.samples, status.samples)
    advance(capture, state, **changes)
    return capture


def complete(capture_id: str, service: str, start_ns: int, end_ns: int, samples: int) -> None:
    """The capture's profile is committed: it is done, wherever its reports are."""
    capture = Capture.objects.select_related("host").filter(id=capture_id).first()
    if capture is None:
        _LOG.warning("a profile came for capture %r, which does not exist", capture_id)
        return
    seconds = (end_ns - start_ns) / 1e9
    counted = f"{samples} samples in {seconds:.1f} s."
    advance(
        capture,
        Capture.State.DONE,
        progress=1.0,
        samples=samples,
        message=counted if samples else _NOTHING_SEEN.get(capture.kind, counted),
        result_service=service,
        result_from_ns=start_ns,
        result_to_ns=end_ns,
    )


def _share(status: CommandStatus) -> float:
    """Measured and sent counts as all; the rest stays below it."""
    return 1.0 if status.state == "done" else min(max(status.progress, 0.0), 0.99)


def _state_of(status: CommandStatus) -> str:
    """A collector's "done" means sent, not stored."""
    if status.state == "queued":
        raise Problem(422, "Not a report", "A collector cannot report the state 'queued'.")
    return Capture.State.RUNNING if status.state == "done" else Capture.State(status.state)
