"""The worker's side: waiting batches into the store and the main database, each exactly once, many at a time.

Each day applies a group's parts, each with its own (host, epoch, seq, part) row, in one transaction; the main database
comes last and moves the marks. Killed anywhere between, the batches come again and only the missing parts are applied.
What fails in a group is tried again alone, so that one batch cannot take others down with it.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import django.db
import kombu.exceptions
import redis
from django.db import transaction

from diagnose import evaluations
from diagnose.ingest import captured, decode, hoststate, ledger, pending
from diagnose.ingest.content import EventReading, Malformed
from diagnose.ingest.pending import Waiting
from diagnose.ingest.prepare import Opened, Prepared, opened, prepared
from diagnose.models import Host
from diagnose.store import backend, dictionary, disk, engine
from diagnose.store.engine.protocol import DayGone

log = logging.getLogger(__name__)

# What fails for reasons that lie outside the batch: it is tried again for as long as the collector sends it.
_SURROUNDINGS: tuple[type[Exception], ...] = (
    django.db.OperationalError,
    django.db.InterfaceError,
    django.db.InternalError,
    *engine.chosen().failures,
    DayGone,
    OSError,
    redis.RedisError,
    kombu.exceptions.OperationalError,
)
# An error that came back this often will come back always.
_MAX_FAILURES = 3
# A batch that was begun this often and never finished takes its worker down.
_MAX_ATTEMPTS = 10
# Then the task ends, and another goes on with what waits: a task has a time limit.
_TASK_SECONDS = 20


_writing = threading.Lock()


def write_waiting() -> None:
    """Write what waits in Redis, until nothing does. One thread of a process at a time: two would wait for one another.

    Without room on the disk, or while a database is away, it is left: its collectors keep it, and send it until it is
    committed.
    """
    ends = time.monotonic() + _TASK_SECONDS
    # Looks once more after it let go: whoever came meanwhile has gone away and relies on it.
    while pending.anything() and _writing.acquire(blocking=False):
        try:
            disk.require_room()
            while time.monotonic() < ends and (taken := pending.take()):
                write(taken)
        except _SURROUNDINGS as error:
            log.error("batches wait: %s: %s", type(error).__name__, str(error).strip())
            return
        finally:
            _writing.release()
        if time.monotonic() >= ends:
            # In any case: a task that was sent for while this one was at work has found the lock taken and gone away.
            pending.send_writer()
            return


def write(taken: Sequence[Waiting]) -> None:
    """Write these batches; nothing happens to those that are done already."""
    hosts = Host.objects.in_bulk({one.host_id for one in taken})
    marks = ledger.committed_seqs({(one.host_id, one.epoch) for one in taken})
    due = [one for one in taken if one.host_id in hosts and one.seq > marks.get((one.host_id, one.epoch), 0)]
    # What was begun before and never finished may have taken its worker, and a whole group, down.
    groups = [[one for one in due if not one.attempts], *([one] for one in due if one.attempts)]
    undone = {one.key for group in groups if group for one in _write_group(hosts, group)}
    evaluations.ask(sorted({one.host_id for one in due}))
    pending.forget([one for one in taken if one.key not in undone])


def _write_group(hosts: Mapping[int, Host], group: Sequence[Waiting]) -> list[Waiting]:
    """Those that could not be written and are to come again."""
    pending.begin(group)
    read: list[Opened] = []
    ready: list[Prepared] = []
    undone: list[Waiting] = []
    try:
        for one in group:
            with _answering_for(one, undone):
                read.append(_opened(hosts[one.host_id], one))
        services = dictionary.services_of(name for each in read for name in each.services())
        for each in read:
            with _answering_for(each.waiting, undone):
                ready.append(prepared(each, services))
        if len(ready) > 1 and _applied_together(ready):
            return undone
        for last in ready:
            with _answering_for(last.waiting, undone):
                apply([last])
    except _SURROUNDINGS:
        pending.forgive(group)
        raise
    return undone


@contextmanager
def _answering_for(one: Waiting, undone: list[Waiting]) -> Iterator[None]:
    """What goes wrong inside is this batch's: it goes to the quarantine, or comes again when that may help."""
    try:
        yield
    except Malformed as error:
        _quarantine(one, str(error))
    except _SURROUNDINGS:
        raise
    except Exception:  # the task boundary: a batch that breaks this code must not hold up those behind it
        log.exception("batch %s/%d of host %d fails", one.epoch, one.seq, one.host_id)
        if one.attempts + 1 < _MAX_FAILURES:
            undone.append(one)
        else:
            _quarantine(one, traceback.format_exc(limit=-3))


def _opened(host: Host, one: Waiting) -> Opened:
    if one.attempts >= _MAX_ATTEMPTS:
        raise Malformed(f"its worker died {_MAX_ATTEMPTS} times while writing it")
    return opened(host, one)


def _quarantine(one: Waiting, error: str) -> None:
    log.error("batch %s/%d of host %d goes to quarantine: %s", one.epoch, one.seq, one.host_id, error)
    oldest_seq = decode.envelope(one.body).oldest_seq
    ledger.quarantine(one.host_id, one.epoch, one.seq, oldest_seq, error, one.body)


def _applied_together(ready: Sequence[Prepared]) -> bool:
    try:
        apply(ready)
    except _SURROUNDINGS:
        raise
    except Exception:  # one of them breaks this code: each is tried alone, which tells which
        log.warning("a group of %d batches fails; each is tried alone", len(ready), exc_info=True)
        return False
    return True


def apply(ready: Sequence[Prepared]) -> None:
    """Into the days first, then into the main database, which moves the marks."""
    late_profiles = backend.profile_store().append([one.profiles for one in ready])
    late_metrics = backend.metric_store().append([one.metrics for one in ready])
    engine.chosen().settle()  # the collector deletes what the mark has passed
    # Before the marks move: a capture whose profile is stored is told of at least once.
    for one in ready:
        captured.tell(one.captured)
    skews = {one.host.pk: one.host.clock_skew_seconds or 0.0 for one in ready}
    parts = []
    for one, *late in zip(ready, late_profiles, late_metrics, strict=True):
        parts.append(_part(one, _events(one, skews[one.host.pk], sum(late))))
        skews[one.host.pk] = one.skew_seconds
    with transaction.atomic():
        ledger.finish(parts)
        hoststate.seen(
            (one.host, one.batch.agent, one.skew_seconds, one.waiting.received_ns) for one in ready
        )


def _part(one: Prepared, events: list[EventReading]) -> ledger.Part:
    batch = one.batch
    return ledger.Part(
        one.host.pk, batch.epoch, batch.seq, batch.oldest_seq, partial(_apply_state, one, events), one.skipped
    )


def _events(one: Prepared, skew_before: float, expired: int) -> list[EventReading]:
    """What the host told, and what was noticed about its batch."""
    received_ns = one.waiting.received_ns
    events = [*one.content.events, *hoststate.clock_event(skew_before, one.skew_seconds, received_ns)]
    for kind, rows in (("future_times_clamped", one.content.clamped), ("expired_data_dropped", expired)):
        if rows:
            events.append(EventReading(kind, received_ns, {"rows": str(rows)}))
    return events


def _apply_state(one: Prepared, events: list[EventReading]) -> None:
    hoststate.set_facts(one.host, one.content.facts)
    hoststate.set_probes(one.host, one.content.probes, min(one.batch.sent_ns, one.waiting.received_ns))
    hoststate.add_events(one.host, events)
