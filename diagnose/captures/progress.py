"""What collectors report on a capture, and ingest's word that its profiles are stored."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from collectors.wire import CommandStatus
from diagnose.access import audit
from diagnose.access.problems import Problem
from diagnose.captures import kinds, line
from diagnose.captures.lifecycle import State, advance, announce
from diagnose.captures.query import is_id
from diagnose.models import Capture, Host

_LOG = logging.getLogger(__name__)
_LONGEST_MESSAGE = 2000
_NOTHING_SEEN = {
    "cpu": "No thread was on a CPU in any sample: the process was idle. A wall profile shows where it waits.",
    "gil": "No thread held the interpreter lock in any sample: the process was idle, or in native code.",
    "wall": "No thread was seen in any sample.",
    "offcpu": "No thread was seen to wait: all ran, or waited throughout. A CPU or wall profile tells which.",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """Profiles of one capture that were committed together; `samples` are of its first type, in `unit`."""

    service: str
    types: list[str]
    unit: str
    start_ns: int
    end_ns: int
    samples: int

    @property
    def message(self) -> str:
        """How much it is, or what it means that it is nothing."""
        if not self.samples and self.types[0] in _NOTHING_SEEN:
            return _NOTHING_SEEN[self.types[0]]
        seconds = (self.end_ns - self.start_ns) / 1e9
        if self.unit == "samples":
            return f"{self.samples} samples in {seconds:.1f} s."
        return f"Profile of {seconds:.1f} s." if seconds >= 1 else "Profile of one moment."


def report(host: Host, status: CommandStatus) -> Capture:
    """Note how a capture goes on its host; what comes late or out of order changes nothing.

    Raises Problem 404 when the host has no such capture, 422 for a state that a collector cannot report.
    """
    capture = of_host(host, status.id)
    state = _state_of(status, capture)
    changes: dict[str, Any] = {"heard_at": timezone.now()}
    if status.message:
        changes["message"] = status.message[:_LONGEST_MESSAGE].replace("\0", "")
    if status.partial:
        _mark_partial(capture, changes["message"] if status.message else "")
    if state in (State.RUNNING, State.DONE):
        # Reports may overtake each other; the bar never runs backwards.
        changes["progress"] = max(capture.progress, _share(status))
        changes["started_at"] = capture.started_at or timezone.now()
        changes["samples"] = max(capture.samples, status.samples)
    if state in (State.RUNNING, State.SENT):
        advance(capture, state, **changes)
    elif line.end(capture, state, **changes) and state == State.REFUSED:
        audit.record(
            f"collector of {host.name}",
            "refuse capture",
            f"capture {capture.id}",
            why=capture.message,
            requested_by=capture.requested_by,
        )
    return capture


def complete(capture_id: str, stored: Stored) -> None:
    """Profiles of the capture are committed: it is done, wherever its reports are."""
    with transaction.atomic():
        locked = Capture.objects.select_for_update(of=("self",)).select_related("host")
        capture = locked.filter(id=capture_id).first()
        if capture is None:
            _LOG.warning("a profile came for capture %r, which does not exist", capture_id)
            return
        result = _result(capture, stored)
        news = {name: value for name, value in result.items() if getattr(capture, name) != value}
        Capture.objects.filter(id=capture_id).update(**news)
    message = f"{capture.message} {stored.message}" if capture.partial else stored.message
    done = line.end(capture, State.DONE, progress=1.0, message=message)
    if news and not done:
        announce(capture)


def of_host(host: Host, capture_id: str) -> Capture:
    """Raises Problem 404 when the host has no such capture."""
    found = Capture.objects.select_related("host").filter(id=capture_id, host=host)
    capture = found.first() if is_id(capture_id) else None
    if capture is None:
        raise Problem(404, "No such capture", f"{host.name} has no capture {capture_id[:40]!r}.")
    return capture


def _result(capture: Capture, stored: Stored) -> dict[str, Any]:
    """Where all of it is, with what came before: a capture's profiles may come in several batches, and twice."""
    begun, ended, types = stored.start_ns, stored.end_ns, stored.types
    if capture.result_from_ns is not None and capture.result_to_ns is not None:
        if capture.result_service != stored.service:
            return {}
        begun, ended = min(begun, capture.result_from_ns), max(ended, capture.result_to_ns)
        types = [*capture.result_types, *types]
    return {
        "samples": max(capture.samples, stored.samples),
        "result_service": stored.service,
        "result_types": _ordered(capture, types),
        "result_from_ns": begun,
        "result_to_ns": ended,
    }


def _ordered(capture: Capture, types: list[str]) -> list[str]:
    """Each once, those that the kind names first ahead."""
    first = kinds.of(capture.kind).types
    return sorted(set(types), key=lambda each: (first.index(each) if each in first else len(first), each))


def _mark_partial(capture: Capture, message: str) -> None:
    """Its profile may be here already, and then its state changes no more."""
    Capture.objects.filter(id=capture.id).update(partial=True)
    capture.refresh_from_db()
    if capture.state == State.DONE and message and message not in capture.message:
        Capture.objects.filter(id=capture.id).update(message=f"{message} {capture.message}")


def _share(status: CommandStatus) -> float:
    """Measured and sent counts as all; the rest stays below it."""
    return 1.0 if status.state == "done" else min(max(status.progress, 0.0), 0.99)


def _state_of(status: CommandStatus, capture: Capture) -> str:
    """A collector's "done" means sent, not stored; but files are stored when they were sent."""
    if status.state in ("queued", "waiting"):
        raise Problem(422, "Not a report", f"A collector cannot report the state {status.state!r}.")
    if status.state == "done":
        return State.DONE if capture.files.exists() else State.RUNNING
    if status.state == "failed" and status.refused:
        return State.REFUSED
    return State(status.state)
