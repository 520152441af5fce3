"""A bundle that a collector left in a file, put into the store as a host of its own, at once and without the queue."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

import msgspec

from collectors import bundle as bundles
from diagnose.ingest import decode
from diagnose.ingest.content import Malformed
from diagnose.ingest.pending import Waiting
from diagnose.ingest.prepare import Prepared, opened, prepared
from diagnose.ingest.write import apply
from diagnose.models import Host
from diagnose.store import dictionary

# A snapshot of half a minute has a tenth of a megabyte, one of an hour on a busy host some tens.
MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Replayed:
    """The host it became; its last reading is at `end_ns` now."""

    host: Host
    made_ns: int
    end_ns: int
    batches: int


def replay(data: bytes) -> Replayed:
    """Its times are moved so that it was made just now: what is past its retention would not be kept.

    The same file twice is the same host, and is stored once. Raises Malformed or decode.TooLarge.
    """
    bundle = _decoded(data)
    digest = hashlib.sha256(data).hexdigest()
    host, new = Host.objects.get_or_create(
        identity=f"bundle-{digest[:40]}", defaults={"name": f"{bundle.name} (bundle {digest[:8]})"[:253]}
    )
    now_ns = time.time_ns()
    if new:
        for body in bundle.batches:
            apply([_prepared(host, body, now_ns)])
    return Replayed(host, bundle.made_ns, now_ns, len(bundle.batches))


def _decoded(data: bytes) -> bundles.Bundle:
    if len(data) > MAX_BYTES:
        raise Malformed(f"{len(data)} bytes: a bundle has at most {MAX_BYTES}; make one of fewer seconds")
    try:
        bundle = bundles.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(f"this is no bundle ({error}); make one with `diagnose-collector snapshot`") from None
    if not bundle.batches:
        raise Malformed("the bundle is empty: the collector was stopped before it read anything")
    return bundle


def _prepared(host: Host, body: bytes, now_ns: int) -> Prepared:
    batch = decode.envelope(body)
    read = opened(host, Waiting(host.pk, batch.epoch, batch.seq, body, now_ns))
    return prepared(read, dictionary.services_of(read.services()))
