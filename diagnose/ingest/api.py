"""`POST /api/v1/batches`: check a batch, queue it, and answer how far the host's spool is committed."""

from __future__ import annotations

import time
from typing import Any

import kombu.exceptions
import redis
from django.http import HttpResponse, JsonResponse

from collectors import wire
from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.access.problems import Problem
from diagnose.ingest import decode, ledger, pending
from diagnose.ingest.content import Malformed
from diagnose.models import Host, Token
from diagnose.store import disk

_LATER = {"Retry-After": str(pending.RETRY_AFTER_SECONDS)}


@endpoint("POST", kind=Token.Kind.HOST)
def batches(request: ApiRequest) -> HttpResponse:
    """202 with the committed sequence number; 400, 413, 415, 422, 429 or 503 as problem documents.

    Only the envelope is read here; what is inside is for the worker, which puts what it cannot read into quarantine.
    """
    received_ns = time.time_ns()
    host = request.actor.host
    if host is None:
        raise Problem(403, "Not a collector", "This token belongs to no host; enrol the collector again.")
    _require_room()
    body = _body(request)
    batch = _batch(host, body)
    if batch.host != host.identity:
        raise Problem(
            403,
            "Another host's batch",
            f"The token is that of host {host.identity}, the batch is of {batch.host[:64]}: "
            "enrol this collector again; a cloned machine needs its own identity.",
        )
    committed = ledger.committed_seq(host.pk, batch.epoch)
    if batch.seq > committed:
        _queue(host, batch, body, received_ns)
    answer: dict[str, Any] = {"committed": {"epoch": batch.epoch, "seq": committed}}
    return JsonResponse(answer, status=202)


def _require_room() -> None:
    """Before anything is read: what cannot be written must stay where it is."""
    try:
        disk.require_room()
    except disk.DiskFull as error:
        detail = f"Nothing more can be stored: {error}. Keep this batch and send it again."
        raise Problem(503, "Disk full", detail, headers=_LATER) from None


def _body(request: ApiRequest) -> bytes:
    """The batch, never more than its bound in memory."""
    if request.content_type != wire.CONTENT_TYPE or request.headers.get("Content-Encoding"):
        detail = f"Send Content-Type: {wire.CONTENT_TYPE} without Content-Encoding."
        raise Problem(415, "Unsupported media type", detail)
    body = request.read(decode.MAX_BODY_BYTES + 1)
    if len(body) > decode.MAX_BODY_BYTES:
        raise _too_large(f"a batch may have {decode.MAX_BODY_BYTES} bytes; send smaller batches")
    announced = int(request.headers.get("Content-Length") or 0)
    if len(body) < announced:
        # Its sender was killed or cut off: nothing for the quarantine, the batch is still in the spool.
        raise Problem(
            400, "Batch cut short", f"{len(body)} of {announced} bytes arrived; send the batch again."
        )
    return body


def _batch(host: Host, body: bytes) -> wire.Batch:
    """The envelope. What cannot be read goes to the quarantine before the answer says so."""
    try:
        return decode.envelope(body)
    except decode.TooLarge as error:
        raise _too_large(str(error)) from None
    except decode.UnknownVersion as error:
        batch = error.batch
        if batch.host == host.identity:
            ledger.quarantine(host.pk, batch.epoch, batch.seq, batch.oldest_seq, str(error), body)
        raise _unreadable(str(error)) from None
    except Malformed as error:
        ledger.keep_unreadable(host.pk, "", None, str(error), body)
        raise _unreadable(str(error)) from None


def _queue(host: Host, batch: wire.Batch, body: bytes, received_ns: int) -> None:
    try:
        pending.offer(host.pk, batch.epoch, batch.seq, body, received_ns)
    except pending.QueueFull:
        raise Problem(
            429,
            "Queue full",
            "As many batches wait to be written as may; keep this one and send it again.",
            headers=_LATER,
        ) from None
    except (redis.RedisError, kombu.exceptions.OperationalError) as error:
        detail = f"The queue (REDIS_URL) does not answer: {error}. Keep this batch and send it again."
        raise Problem(503, "Queue away", detail, headers=_LATER) from None


def _too_large(detail: str) -> Problem:
    return Problem(413, "Batch too large", detail[0].upper() + detail[1:] + ".")


def _unreadable(detail: str) -> Problem:
    return Problem(422, "Batch cannot be read", detail[0].upper() + detail[1:] + ".")
