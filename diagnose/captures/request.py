"""Ask a host's collector for a profile, or call it off."""

from __future__ import annotations

import math
import time

import msgspec
import redis
from django.conf import settings

from collectors.wire import CaptureTarget as CaptureTarget  # whoever asks builds it, without knowing the wire
from collectors.wire import Command
from diagnose import queue
from diagnose.access import audit
from diagnose.access.actor import Actor
from diagnose.access.problems import Problem
from diagnose.captures.lifecycle import OPEN, TAKEN_WITHIN_SECONDS, advance, announce
from diagnose.models import Capture, Host

# The target is a wire type, which the layers above take from here.
__all__ = ["KINDS", "MAX_HZ", "MAX_SECONDS", "CaptureTarget", "cancel", "request_capture"]

KINDS = ("cpu", "wall", "gil")
MAX_SECONDS = 300.0
MAX_HZ = 500
# The collector runs as many at once; one more would only be refused there.
MAX_OPEN_PER_HOST = 4
_LONGEST = {"service": 300, "cgroup": 500, "reason": 500}
_COMMANDS_SECONDS = 600


def request_capture(
    *, host: Host, target: CaptureTarget, kind: str, seconds: float, hz: int, reason: str, actor: Actor
) -> Capture:
    """A queued capture whose command waits for the collector. Raises Problem 422, 429 or 503."""
    _check(target, kind, seconds, hz, reason)
    _check_room(host)
    capture = Capture.objects.create(
        host=host,
        pid=target.pid,
        service=target.service or "",
        cgroup=target.cgroup or "",
        kind=kind,
        seconds=seconds,
        hz=hz,
        reason=reason,
        requested_by=actor.name,
        message="Waiting for the collector to take the request.",
    )
    audit.record(
        actor,
        "request capture",
        f"capture {capture.id}",
        host=host.name,
        target=msgspec.to_builtins(target),
        kind=kind,
        seconds=seconds,
        hz=hz,
        reason=reason,
    )
    announce(capture)
    _send(capture, Command(capture.id, "capture", _expires_ns(), target, kind, seconds, hz))
    return capture


def cancel(capture: Capture, actor: Actor) -> Capture:
    """Call it off: at once for the person, as soon as the collector hears of it on the host.

    Raises Problem 409 when it has ended already.
    """
    if not advance(capture, Capture.State.CANCELLED, message=f"Cancelled by {actor.name}."):
        raise Problem(409, "Already ended", f"Capture {capture.id} is {capture.state}: nothing to cancel.")
    audit.record(actor, "cancel capture", f"capture {capture.id}", host=capture.host.name)
    _send(capture, Command(capture.id, "cancel", _expires_ns()))
    return capture


def _check(target: CaptureTarget, kind: str, seconds: float, hz: int, reason: str) -> None:
    errors = {**_target_errors(target), **_too_long(target, reason)}
    if kind not in KINDS:
        errors["kind"] = f"{kind!r} is not a kind of capture; use one of {', '.join(KINDS)}"
    if not math.isfinite(seconds) or not 1 <= seconds <= MAX_SECONDS:
        errors["seconds"] = f"{seconds:g} is not a duration from 1 to {MAX_SECONDS:g} seconds"
    if not 1 <= hz <= MAX_HZ:
        errors["hz"] = f"{hz} is not a rate from 1 to {MAX_HZ} samples a second"
    if errors:
        raise Problem(422, "Cannot capture that", "; ".join(errors.values()) + ".", errors)


def _target_errors(target: CaptureTarget) -> dict[str, str]:
    given = [name for name in ("pid", "service", "cgroup") if getattr(target, name) not in (None, "")]
    if len(given) != 1:
        which = " and ".join(given) or "nothing"
        return {"target": f"{which} given; give exactly one of pid, service and cgroup"}
    if target.pid is not None and not 1 <= target.pid < 1 << 22:  # PID_MAX_LIMIT of Linux
        return {"target.pid": f"{target.pid} is not a process id"}
    return {}


def _too_long(target: CaptureTarget, reason: str) -> dict[str, str]:
    texts = {"service": target.service or "", "cgroup": target.cgroup or "", "reason": reason}
    return {
        name if name == "reason" else f"target.{name}": f"{name} is longer than {_LONGEST[name]} characters"
        for name, text in texts.items()
        if len(text) > _LONGEST[name]
    }


def _check_room(host: Host) -> None:
    count = Capture.objects.filter(host=host, state__in=OPEN).count()
    if count >= MAX_OPEN_PER_HOST:
        raise Problem(
            429,
            "Too many captures",
            f"{count} captures of {host.name} are going on; wait until one ends, or cancel one.",
            headers={"Retry-After": "10"},
        )


def _expires_ns() -> int:
    return time.time_ns() + int(TAKEN_WITHIN_SECONDS * 1e9)


def _send(capture: Capture, command: Command) -> None:
    """Raises Problem 503, and ends the capture, when there is no way to reach the collector."""
    stream = queue.commands_stream(capture.host_id)
    try:
        queue.append(stream, "command", msgspec.msgpack.encode(command), _COMMANDS_SECONDS)
    except redis.RedisError as error:
        place = settings.REDIS_URL.rpartition("@")[2]  # without its password
        detail = (
            f"The queue at {place} does not answer ({error}); see that Redis or Valkey runs, and ask again."
        )
        advance(capture, Capture.State.FAILED, message=detail)
        raise Problem(503, "Queue away", detail) from None
