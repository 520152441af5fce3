"""Batches between the request and the worker: their bytes in Redis, their task on the queue, both bounded."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose import queue
from diagnose.celery import app

# At 50 kB a batch this is 50 MB in Redis, and a few seconds of work for two cores.
MAX_WAITING = 1_000
RETRY_AFTER_SECONDS = 5
# A collector sends again after 15 s without progress; within 10 s it is the same offer.
_SAME_OFFER_SECONDS = 10
_ATTEMPTS_SECONDS = 3_600
_EVALUATE_EVERY_SECONDS = 5
_EVALUATE_DELAY_SECONDS = 2


class QueueFull(Exception):
    """More batches wait than the workers do in a few seconds."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One batch as it came; `attempts` counts how often a worker took it, this time included."""

    body: bytes
    received_ns: int
    attempts: int


def offer(host_id: int, epoch: str, seq: int, body: bytes, received_ns: int) -> None:
    """Put a batch on the queue. Raises QueueFull; the same batch within seconds is queued once."""
    redis = queue.client()
    key = queue.payload_key(host_id, epoch, seq)
    if redis.llen("celery") >= MAX_WAITING:
        raise QueueFull
    pipe = redis.pipeline()
    pipe.hset(key, mapping={"body": body, "received_ns": received_ns})
    pipe.expire(key, queue.PAYLOAD_SECONDS)
    pipe.set(f"{key}:queued", 1, nx=True, ex=_SAME_OFFER_SECONDS)
    if pipe.execute()[-1]:
        app.send_task("diagnose.tasks.write_batch", [host_id, epoch, seq])


def take(host_id: int, epoch: str, seq: int) -> Waiting | None:
    """The batch, which stays until `forget`; None when it is done, or lost and to be sent again."""
    key = queue.payload_key(host_id, epoch, seq)
    pipe = queue.client().pipeline()
    pipe.hgetall(key)
    pipe.incr(f"{key}:attempts")
    pipe.expire(f"{key}:attempts", _ATTEMPTS_SECONDS)
    fields, attempts, _ = pipe.execute()
    if not fields:
        queue.client().delete(f"{key}:attempts")
        return None
    return Waiting(fields[b"body"], int(fields[b"received_ns"]), attempts)


def forgive(host_id: int, epoch: str, seq: int) -> None:
    """Do not count this attempt: what failed was not the batch."""
    queue.client().decr(f"{queue.payload_key(host_id, epoch, seq)}:attempts")


def forget(host_id: int, epoch: str, seq: int) -> None:
    """The batch is done."""
    key = queue.payload_key(host_id, epoch, seq)
    queue.client().delete(key, f"{key}:attempts")


def ask_for_evaluation(host_id: int) -> None:
    """Have the host's last minutes looked at, at most every few seconds."""
    if queue.client().set(f"diagnose:evaluate:{host_id}", 1, nx=True, ex=_EVALUATE_EVERY_SECONDS):
        app.send_task("diagnose.tasks.evaluate_host", [host_id], countdown=_EVALUATE_DELAY_SECONDS)


def tell_of_capture(capture_id: str, service: str, start_ns: int, end_ns: int, samples: int) -> None:
    """The capture's profile is in the store."""
    app.send_task("diagnose.tasks.complete_capture", [capture_id, service, start_ns, end_ns, samples])
