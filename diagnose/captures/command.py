"""What a host's collector is told: the command on its stream in Redis."""

from __future__ import annotations

import time

import msgspec
import redis
from django.conf import settings

from collectors.wire import CaptureTarget, Command
from diagnose import queue
from diagnose.access.problems import Problem
from diagnose.models import Capture

# s; a collector that waits for commands takes one within a fraction of a second, one that polls within five
TAKEN_WITHIN_SECONDS = 30.0
_COMMANDS_SECONDS = 600


def send(capture: Capture) -> None:
    """Ask for the capture. Raises Problem 503 when the queue is away."""
    target = target_of(capture)
    _put(
        capture,
        Command(capture.id, "capture", _expires_ns(), target, capture.kind, capture.seconds, capture.hz),
    )


def call_off(capture: Capture) -> None:
    """Tell the collector that nobody wants it any more. Raises Problem 503 when the queue is away."""
    _put(capture, Command(capture.id, "cancel", _expires_ns()))


def target_of(capture: Capture) -> CaptureTarget:
    return CaptureTarget(
        capture.pid, capture.service or None, capture.cgroup or None, capture.container or None
    )


def _put(capture: Capture, command: Command) -> None:
    stream = queue.commands_stream(capture.host_id)
    try:
        queue.append(stream, "command", msgspec.msgpack.encode(command), _COMMANDS_SECONDS)
    except redis.RedisError as error:
        place = settings.REDIS_URL.rpartition("@")[2]  # without its password
        detail = (
            f"The queue at {place} does not answer ({error}); see that Redis or Valkey runs, and ask again."
        )
        raise Problem(503, "Queue away", detail) from None


def _expires_ns() -> int:
    return time.time_ns() + int(TAKEN_WITHIN_SECONDS * 1e9)
