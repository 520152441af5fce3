"""The Redis (or Valkey) connection, and the names of everything kept there beside Celery's queue."""

from __future__ import annotations

from functools import cache

import redis
from django.conf import settings

# One channel tells the stream process that a stream (named in the message) has something new.
WAKE_CHANNEL = "diagnose:wake"
# What the streams of commands and of captures' events begin with.
COMMANDS, CAPTURE = "diagnose:commands:", "diagnose:capture:"
# Names of the batches that wait to be written, and where their bytes are.
WAITING, PAYLOADS = "diagnose:waiting", "diagnose:batch:"
PAYLOAD_SECONDS = 900


@cache
def client() -> redis.Redis:
    """One pool per process. Timeouts keep a vanished server from holding a request or a task."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=4, socket_connect_timeout=2)


def payload_key(host_id: int, epoch: str, seq: int) -> str:
    """Where a batch's bytes wait for the worker."""
    return f"{PAYLOADS}{host_id}:{epoch}:{seq}"


def commands_stream(host_id: int) -> str:
    """Redis stream of a host's commands; the field `command` is msgpack of `wire.Command`."""
    return f"{COMMANDS}{host_id}"


def capture_stream(capture_id: str) -> str:
    """Redis stream of a capture's progress; the field `event` is JSON of the API's capture."""
    return f"{CAPTURE}{capture_id}"


def append(stream: str, field: str, data: bytes | str, keep_seconds: int, length: int = 200) -> None:
    """Add to a stream and wake whoever waits for it."""
    pipe = client().pipeline()
    pipe.xadd(stream, {field: data}, maxlen=length, approximate=False)
    pipe.expire(stream, keep_seconds)
    pipe.publish(WAKE_CHANNEL, stream)
    pipe.execute()
