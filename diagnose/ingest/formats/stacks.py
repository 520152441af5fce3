"""The collector's profiles: packed tables become arrays, each bounded and checked once, here."""

from __future__ import annotations

from functools import partial
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from collectors import wire
from collectors.columns import STATES
from collectors.stackdigests import DIGEST_BYTES
from diagnose.ingest.clock import Clock
from diagnose.ingest.content import Malformed, Profile, Recording
from diagnose.ingest.formats.columns import column
from diagnose.ingest.formats.spelling import spelled
from diagnose.ingest.formats.text import MAX_COUNT, checked_key, cut, cut_all
from diagnose.store.names import Names

MAX_PROFILES = 1_000
MAX_STACKS = 100_000
_MAX_SAMPLES = 10 * MAX_STACKS
_MAX_TOTAL = 1 << 62
_MAX_OFFSET_MS = 1 << 32
_THREAD_CHARS, _SERVICE_CHARS = 1_000, 300


def recording_of(table: wire.ProfileTable, clock: Clock) -> Recording:
    """Raises Malformed."""
    if len(table.profiles) > MAX_PROFILES:
        raise Malformed(
            f"{len(table.profiles)} profiles in one table: at most {MAX_PROFILES}; send smaller ones"
        )
    names = _names(table)
    paths = column(table.sample_stacks, "sample_stacks", len(names.path_digests))
    samples = len(paths)
    if samples > _MAX_SAMPLES:
        raise Malformed(f"{samples} samples in one table: at most {_MAX_SAMPLES}; send smaller ones")
    threads = column(table.sample_threads, "sample_threads", len(names.threads), samples)
    counts = column(table.sample_values, "sample_values", MAX_COUNT + 1, samples)
    column(table.sample_states, "sample_states", len(STATES), samples)
    offsets = None
    if table.sample_offsets:
        offsets = column(table.sample_offsets, "sample_offsets", _MAX_OFFSET_MS, samples)
    profiles = _profiles(table, counts, clock)
    return Recording(names, profiles, paths, threads, counts, offsets)


def _profiles(table: wire.ProfileTable, counts: NDArray[np.int64], clock: Clock) -> list[Profile]:
    ends = list(accumulate(head.samples for head in table.profiles))
    if any(head.samples < 0 for head in table.profiles) or (ends[-1] if ends else 0) != len(counts):
        raise Malformed(f"the profiles of a table do not have its {len(counts)} samples between them")
    return [
        _profile(head, counts[end - head.samples : end], end, clock)
        for head, end in zip(table.profiles, ends, strict=True)
    ]


def _profile(head: wire.Profile, counts: NDArray[np.int64], end: int, clock: Clock) -> Profile:
    if not 0 <= head.period < MAX_COUNT:
        raise Malformed(f"period {head.period} of {head.service!r} is impossible")
    if float(counts.sum(dtype=np.float64)) * max(1, head.period) >= _MAX_TOTAL:
        raise Malformed(f"the samples of {head.service!r} stand for more than 146 years; check its period")
    start_ns, end_ns = clock.time(head.start_ns), clock.time(head.end_ns)
    return Profile(
        service=cut(head.service, _SERVICE_CHARS) or "unknown",
        type=head.type,
        unit=head.unit,
        period_ns=head.period,
        start_ns=start_ns,
        end_ns=max(start_ns, end_ns),
        labels=checked_key(head.labels),
        capture_id=head.capture_id,
        first=end - head.samples,
        end=end,
    )


def _names(table: wire.ProfileTable) -> Names:
    if len(table.path_digests) % DIGEST_BYTES:
        raise Malformed(
            f"column 'path_digests' has {len(table.path_digests)} bytes, not digests of {DIGEST_BYTES} bytes each"
        )
    digests = np.frombuffer(table.path_digests, "<u8")
    for what, number in (("stacks", len(digests)), ("threads", len(table.threads))):
        if number > MAX_STACKS:
            raise Malformed(f"{number} {what} in one table: at most {MAX_STACKS}; sample less")
    threads = cut_all(table.threads, _THREAD_CHARS)
    return Names(digests, threads, partial(spelled, table.names, table.path_digests))
