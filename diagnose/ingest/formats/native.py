"""The collector's own format: items become content, each bounded and checked once, here."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import msgspec
import numpy as np

from collectors import wire
from collectors.histograms import bucket_count
from diagnose.ingest.clock import Clock
from diagnose.ingest.content import (
    Content,
    Distribution,
    EventReading,
    FactReading,
    Malformed,
    ProbeReading,
    Readings,
)
from diagnose.ingest.formats.columns import column, fixed
from diagnose.ingest.formats.spelling import stated_bytes
from diagnose.ingest.formats.stacks import recording_of
from diagnose.ingest.formats.text import MAX_COUNT, checked_labels, checked_name, cut
from diagnose.store.serieskeys import Definitions, key_of

_TEXT_CHARS = 4_000
_MAX_POINTS = 4_000_000
# A collector gathers 16 MiB of samples and one large capture, which has at most 32 MiB of names.
_MAX_NAMES_BYTES = 64 * 1024 * 1024


def read(items: Iterable[wire.Item], skipped: int, clock: Clock) -> Content:
    """`skipped` is how many items were of unknown kinds. Raises Malformed."""
    content = Content([], [], [], [], [], [], skipped, 0)
    unusable = names_bytes = 0
    for item in items:
        match item:
            case wire.PointTable():
                readings, left_out = _readings(item, clock)
                content.readings.append(readings)
                unusable += left_out
            case wire.ProfileTable():
                names_bytes += stated_bytes(item.names)
                if names_bytes > _MAX_NAMES_BYTES:
                    raise Malformed(
                        f"the names of a batch have {names_bytes} bytes; at most {_MAX_NAMES_BYTES} are taken: "
                        "send smaller batches"
                    )
                content.recordings.append(recording_of(item, clock))
            case wire.Histogram() if not math.isfinite(item.sum):
                unusable += 1
            case wire.Histogram():
                content.distributions.append(_distribution(item, clock))
            case wire.Fact():
                value = cut(item.value, _TEXT_CHARS)
                content.facts.append(FactReading(cut(item.name, 200), value, clock.time(item.time)))
            case wire.Event():
                fields = {cut(k, 200): cut(v, _TEXT_CHARS) for k, v in item.fields.items()}
                content.events.append(EventReading(cut(item.event, 80), clock.time(item.time), fields))
            case wire.ProbeStatus():
                reason = cut(item.reason, _TEXT_CHARS)
                probe = ProbeReading(cut(item.probe, 80), item.ok, reason, item.seconds, item.bytes)
                content.probes.append(probe)
    return replace(content, skipped=skipped + unusable, clamped=clock.clamped)


def definitions(block: bytes) -> Definitions:
    """What a block of series says. Raises Malformed."""
    try:
        series = wire.decode_series(block)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(f"a table's series are not as they should be: {error}") from None
    keys = [key_of(checked_name(one.metric), checked_labels(one.labels)) for one in series]
    return Definitions(keys, [one.counter for one in series])


def _readings(table: wire.PointTable, clock: Clock) -> tuple[Readings, int]:
    """The points without those that are no numbers, and how many these were."""
    lengths = column(table.lengths, "lengths", _MAX_POINTS)
    points = int(lengths.sum())
    if points > _MAX_POINTS:
        raise Malformed(f"{points} points in one table: at most {_MAX_POINTS}; send smaller ones")
    times = clock.times(fixed(table.times, "times", "<i8", points))
    values = fixed(table.values, "values", "<f8", points)
    finite = np.isfinite(values)
    unusable = points - int(np.count_nonzero(finite))
    if unusable:
        owner = np.repeat(np.arange(len(lengths)), lengths)
        times, values = times[finite], values[finite]
        lengths = np.bincount(owner[finite], minlength=len(lengths))
    return Readings(table.series, lengths, times, values), unusable


def _distribution(sample: wire.Histogram, clock: Clock) -> Distribution:
    buckets, last = sorted(sample.buckets.items()), bucket_count(sample.scheme) - 1
    for index, count in buckets:
        if not 0 <= index <= last or not 0 <= count <= MAX_COUNT:
            raise Malformed(
                f"{sample.metric}: {count} in bucket {index}; {sample.scheme} has buckets 0 to {last}, "
                f"and a count is from 0 to {MAX_COUNT}"
            )
    return Distribution(
        key_of(checked_name(sample.metric), checked_labels(sample.labels)),
        clock.time(sample.time),
        sample.scheme,
        sample.sum,
        np.array([index for index, count in buckets if count], np.uint32),
        np.array([count for _, count in buckets if count], np.int64),
    )
