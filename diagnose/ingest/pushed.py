"""Profiles that programs push, in whatever format: stored at once, as those of a host of their own.

An answer of 200 means committed: who pushes does not send again, so nothing waits in the queue.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Sequence
from itertools import count

from collectors import tables, wire
from collectors.delivery import payload
from diagnose.access.problems import Problem
from diagnose.ingest import decode
from diagnose.ingest.pending import Waiting
from diagnose.ingest.prepare import opened, prepared
from diagnose.ingest.write import apply
from diagnose.models import Host
from diagnose.store import dictionary, disk

AGENT = "pushed"
NOWHERE = "pushed"
# Each is a row on the Hosts page; a label with a new value every minute must not fill it.
MOST_HOSTS = 2_000
_PREFIX = "pushed:"
_LATER = {"Retry-After": "10"}


class _Numbers:
    """Of this process's batches, by host: an epoch, and numbers without a hole."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_host: dict[int, tuple[str, count[int]]] = {}

    def next(self, host_id: int) -> tuple[str, int]:
        with self._lock:
            epoch, numbers = self._by_host.setdefault(host_id, (secrets.token_hex(8), count(1)))
            return epoch, next(numbers)

    def forget(self, host_id: int) -> None:
        """After a failure: the number would be a hole that holds up the mark for ever."""
        with self._lock:
            self._by_host.pop(host_id, None)


_numbers = _Numbers()


def store(source: str, stacks: Sequence[wire.Stacks]) -> None:
    """Commit these. `source` names the host. Raises Problem 422, 429 or 503."""
    try:
        disk.require_room()
    except disk.DiskFull as error:
        raise Problem(503, "Disk full", f"Nothing more can be stored: {error}.", headers=_LATER) from None
    host = host_of(source)
    try:
        _apply(host, stacks)
    except BaseException:
        _numbers.forget(host.pk)
        raise


def host_of(source: str) -> Host:
    """The host of that name that pushes; its identity is not that of a collector's. Raises Problem 429."""
    name = source.strip()[:200] or NOWHERE
    identity = _PREFIX + hashlib.sha256(name.encode()).hexdigest()[:40]
    known = Host.objects.filter(identity=identity).first()
    if known is not None:
        return known
    if Host.objects.filter(identity__startswith=_PREFIX).count() >= MOST_HOSTS:
        detail = (
            f"{MOST_HOSTS} hosts push already, and {name[:80]!r} would be one more: "
            "does the label `hostname` change all the time?"
        )
        raise Problem(429, "Too many hosts", detail, headers={"Retry-After": "3600"})
    return Host.objects.get_or_create(identity=identity, defaults={"name": name, "agent": AGENT})[0]


def _apply(host: Host, stacks: Sequence[wire.Stacks]) -> None:
    try:
        item = wire.encode_item(tables.profile_table(stacks))
    except (OverflowError, UnicodeEncodeError, ValueError) as error:
        raise Problem(422, "Not a profile", f"It cannot be stored: {error}.") from None
    epoch, seq = _numbers.next(host.pk)
    now_ns = time.time_ns()
    body = wire.encode_batch(
        wire.Batch(
            version=wire.VERSION,
            host=host.identity,
            epoch=epoch,
            seq=seq,
            oldest_seq=1,
            sent_ns=now_ns,
            agent=AGENT,
            content=payload.pack([item]),
        )
    )
    batch = decode.envelope(body)
    read = opened(host, Waiting(host.pk, batch.epoch, batch.seq, body, now_ns))
    apply([prepared(read, dictionary.services_of(read.services()))])
