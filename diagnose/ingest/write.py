"""The worker's side: one batch from the queue into the store and the main database, exactly once.

Each day applies its part with its own (host, epoch, seq, part) row in one transaction; the main database comes
last and moves the mark. Killed anywhere between, the batch comes again and only the missing parts are applied.
"""

from __future__ import annotations

import logging
import traceback

import django.db
import kombu.exceptions
import numpy as np
import redis
from numpy.typing import NDArray

from collectors import wire
from diagnose.ingest import clock, decode, hoststate, ledger, pending
from diagnose.ingest.content import Content, EventReading, Malformed, Profile
from diagnose.ingest.formats import native
from diagnose.models import Capture, Host, Service
from diagnose.store import backend, dictionary, disk, engine, serieskeys
from diagnose.store.applied import earlier_shift_ns
from diagnose.store.blob import summed
from diagnose.store.engine.protocol import DayGone
from diagnose.store.rows import (
    BatchKey,
    HistogramRow,
    MetricBatch,
    PointColumns,
    ProfileBatch,
    ProfileGroup,
    ProfileRow,
)

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
# A batch that was taken this often and never finished takes its worker down.
_MAX_ATTEMPTS = 10


def write_batch(host_id: int, epoch: str, seq: int) -> None:
    """Write the batch that waits in Redis under these ids; nothing happens when it is done already.

    Without room on the disk it is left: its collector keeps it, and sends it until it is committed.
    """
    waiting = pending.take(host_id, epoch, seq)
    host = Host.objects.filter(pk=host_id).first()
    if waiting is None or host is None:
        return
    if seq > ledger.committed_seq(host_id, epoch):
        try:
            disk.require_room()
            _write(host, waiting)
        except disk.DiskFull as full:
            pending.forgive(host_id, epoch, seq)
            log.error("batch %s/%d of %s waits: %s", epoch, seq, host, full)
            return
        except _SURROUNDINGS:
            pending.forgive(host_id, epoch, seq)
            raise
        pending.ask_for_evaluation(host_id)
    pending.forget(host_id, epoch, seq)


def _write(host: Host, waiting: pending.Waiting) -> None:
    """Apply the batch, or put it into the quarantine when it is the batch that cannot be applied."""
    batch = decode.envelope(decode.decompress(waiting.body))
    try:
        if waiting.attempts > _MAX_ATTEMPTS:
            raise Malformed(f"its worker died {_MAX_ATTEMPTS} times while writing it")
        _apply(host, batch, waiting.received_ns)
    except Malformed as error:
        _quarantine(host, batch, str(error), waiting.body)
    except _SURROUNDINGS:
        raise
    except Exception:  # the task boundary: a batch that breaks this code must not hold up those behind it
        if waiting.attempts < _MAX_FAILURES:
            raise
        log.exception("batch %s/%d of %s fails every time", batch.epoch, batch.seq, host)
        _quarantine(host, batch, traceback.format_exc(limit=-3), waiting.body)


def _quarantine(host: Host, batch: wire.Batch, error: str, body: bytes) -> None:
    log.error("batch %s/%d of %s goes to quarantine: %s", batch.epoch, batch.seq, host, error)
    ledger.quarantine(host.pk, batch.epoch, batch.seq, batch.oldest_seq, error, body)


def _apply(host: Host, batch: wire.Batch, received_ns: int) -> None:
    shift_ns = _shift_ns(host, batch, received_ns)
    content = native.read(*decode.samples(batch), clock.Clock(shift_ns, received_ns))
    key = BatchKey(host.pk, batch.epoch, batch.seq, shift_ns)
    profiles, foreign = _own_captures(host, content.profiles)
    expired = _append_profiles(key, profiles) + _append_readings(host, key, content)
    # Before the mark moves: a capture whose profile is stored is told of at least once.
    for profile in profiles:
        if profile.capture_id is not None:
            samples = int(profile.counts.sum())
            pending.tell_of_capture(
                profile.capture_id, profile.service, profile.start_ns, profile.end_ns, samples
            )
    events = _events(host, batch, content, received_ns, expired)
    ledger.finish(
        host.pk,
        batch.epoch,
        batch.seq,
        batch.oldest_seq,
        lambda: _apply_state(host, batch, content, events, received_ns),
        content.skipped + foreign,
    )


def _shift_ns(host: Host, batch: wire.Batch, received_ns: int) -> int:
    if clock.is_doubtful(batch.sent_ns, received_ns, host.clock_skew_seconds):
        earlier = earlier_shift_ns(host.pk, batch.epoch, batch.seq)
        if earlier is not None:
            return earlier
    return clock.shift_ns(batch.sent_ns, received_ns)


def _own_captures(host: Host, profiles: list[Profile]) -> tuple[list[Profile], int]:
    """Without profiles of captures that this host was never asked for, and how many these are."""
    named = {profile.capture_id for profile in profiles} - {None}
    own = (
        set(Capture.objects.filter(host=host, pk__in=named).values_list("pk", flat=True)) if named else set()
    )
    kept = [profile for profile in profiles if profile.capture_id is None or profile.capture_id in own]
    return kept, len(profiles) - len(kept)


def _append_profiles(key: BatchKey, profiles: list[Profile]) -> int:
    services = dictionary.services_of(profile.service for profile in profiles) if profiles else {}
    numbers = dictionary.all_stack_numbers(
        [dictionary.Recording(services[one.service], one.frames, one.paths, one.threads) for one in profiles]
    )
    rows = [_profile_row(services[one.service], one, ids) for one, ids in zip(profiles, numbers, strict=True)]
    return backend.profile_store().append([ProfileBatch(key, rows)])[0]


def _profile_row(service: Service, profile: Profile, ids: NDArray[np.uint32]) -> ProfileRow:
    group = ProfileGroup(service.pk, profile.type, profile.unit)
    stack_ids, counts = summed(ids, profile.counts)
    return ProfileRow(
        group=group,
        period_ns=profile.period_ns,
        start_ns=profile.start_ns,
        end_ns=profile.end_ns,
        stack_ids=stack_ids,
        counts=counts,
        labels=profile.labels,
        capture_id=profile.capture_id,
    )


def _append_readings(host: Host, key: BatchKey, content: Content) -> int:
    readings, distributions = content.readings, content.distributions
    keys = [*readings.keys, *(one.key for one in distributions)]
    numbers = serieskeys.series_numbers(host, keys, [*readings.counters, *(False for _ in distributions)])
    series = np.repeat(np.array(numbers[: len(readings.keys)], np.uint32), readings.lengths)
    points = PointColumns(series, readings.times_ns, readings.values)
    histograms = [
        HistogramRow(number, one.time_ns, one.scheme, one.sum, one.buckets, one.counts)
        for number, one in zip(numbers[len(readings.keys) :], distributions, strict=True)
    ]
    return backend.metric_store().append([MetricBatch(key, points, histograms)])[0]


def _events(
    host: Host, batch: wire.Batch, content: Content, received_ns: int, expired: int
) -> list[EventReading]:
    """What the host told, and what was noticed about its batch."""
    skew = clock.skew_seconds(batch.sent_ns, received_ns)
    events = [*content.events, *hoststate.clock_event(host, skew, received_ns)]
    for kind, rows in (("future_times_clamped", content.clamped), ("expired_data_dropped", expired)):
        if rows:
            events.append(EventReading(kind, received_ns, {"rows": str(rows)}))
    return events


def _apply_state(
    host: Host, batch: wire.Batch, content: Content, events: list[EventReading], received_ns: int
) -> None:
    hoststate.seen(host, batch.agent, clock.skew_seconds(batch.sent_ns, received_ns), received_ns)
    hoststate.set_facts(host, content.facts)
    hoststate.set_probes(host, content.probes, min(batch.sent_ns, received_ns))
    hoststate.add_events(host, events)
