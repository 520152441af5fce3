"""The collector's profiles: packed columns become arrays, each bounded and checked once, here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collectors import wire
from diagnose.ingest.clock import Clock
from diagnose.ingest.content import Malformed, Profile
from diagnose.ingest.formats.text import MAX_COUNT, checked_labels, cut, cut_all
from diagnose.store.dictionary import FrameKey, Paths

MAX_STACKS = 100_000
MAX_DEPTH = 2_000
# A stack seen in many threads is looked up for each of them.
_MAX_PATH_FRAMES = 10_000_000
_MAX_TOTAL = 1 << 62
_FRAME_CHARS, _THREAD_CHARS, _SERVICE_CHARS = 1_000, 200, 300


@dataclass(frozen=True, slots=True)
class _Counts:
    """The i-th stack in the i-th thread has the i-th count."""

    stacks: NDArray[np.int64]
    threads: NDArray[np.int64]
    values: NDArray[np.int64]


def profile_of(sample: wire.Stacks, clock: Clock) -> Profile:
    """Raises Malformed."""
    if not 0 <= sample.period < MAX_COUNT:
        raise Malformed(f"period {sample.period} of {sample.service!r} is impossible")
    lengths = _column(sample, "lengths", "<u4")
    start_ns, end_ns = clock.time(sample.start_ns), clock.time(sample.end_ns)
    counts = _counts(sample, len(lengths))
    frames = _frames(sample)
    return Profile(
        service=cut(sample.service, _SERVICE_CHARS) or "unknown",
        type=sample.type,
        unit=sample.unit,
        period_ns=sample.period,
        start_ns=start_ns,
        end_ns=max(start_ns, end_ns),
        labels=checked_labels(sample.labels),
        capture_id=sample.capture_id,
        frames=frames,
        paths=_paths(sample, lengths, counts.stacks, len(frames)),
        threads=[cut(sample.strings[thread], _THREAD_CHARS) for thread in counts.threads.tolist()],
        counts=counts.values,
    )


def _column(sample: wire.Stacks, name: str, kind: str) -> NDArray[Any]:
    packed, width = getattr(sample.columns, name), np.dtype(kind).itemsize
    if len(packed) % width:
        raise Malformed(
            f"column {name!r} of {sample.service!r} has {len(packed)} bytes, not a multiple of {width}"
        )
    return np.frombuffer(packed, kind)


def _frames(sample: wire.Stacks) -> list[FrameKey]:
    strings = cut_all(sample.strings, _FRAME_CHARS)
    numbers = _column(sample, "frames", "<u4")
    if len(numbers) % 4:
        raise Malformed(f"the frames of {sample.service!r} are {len(numbers)} numbers; each frame has four")
    columns = numbers.reshape(-1, 4).T
    names, files, lines, modules = columns.tolist()
    for column, end in zip(columns, (len(strings), len(strings), 1 << 31, len(strings)), strict=True):
        if len(column) and column.max() >= end:
            raise Malformed(
                f"a frame of {sample.service!r} has a string or a line that is not in 0..{end - 1}"
            )
    at = strings.__getitem__
    return list(zip(map(at, names), map(at, files), lines, map(at, modules), strict=True))


def _paths(sample: wire.Stacks, lengths: NDArray[np.uint32], chosen: NDArray[np.int64], frames: int) -> Paths:
    """The stacks that have samples. Of a very deep one the innermost frames are kept: there the time is spent."""
    path_frames = _column(sample, "path_frames", "<u4")
    ends = np.cumsum(lengths, dtype=np.int64)
    if (int(ends[-1]) if len(ends) else 0) != len(path_frames):
        raise Malformed(f"the stacks of {sample.service!r} are not as long as their lengths say")
    if len(path_frames) and path_frames.max() >= frames:
        raise Malformed(f"a stack of {sample.service!r} has a frame that is not in its list")
    kept = np.minimum(lengths, MAX_DEPTH).astype(np.int64)[chosen]
    total = int(kept.sum())
    if total > _MAX_PATH_FRAMES:
        raise Malformed(f"the stacks of {sample.service!r} in all threads have {total} frames; sample less")
    begins = ends[chosen] - kept
    positions = np.repeat(begins - (np.cumsum(kept) - kept), kept) + np.arange(total)
    return Paths(path_frames[positions].astype(np.int64), kept)


def _counts(sample: wire.Stacks, stacks: int) -> _Counts:
    """Counts by stack and thread, those of all states added up."""
    at_stack = _column(sample, "sample_stacks", "<u4").astype(np.int64)
    at_thread = _column(sample, "sample_threads", "<u4").astype(np.int64)
    values = _column(sample, "sample_values", "<u8")
    states, threads = len(sample.columns.sample_states), len(sample.strings)
    if not len(at_stack) == len(at_thread) == len(values) == states:
        raise Malformed(f"the sample columns of {sample.service!r} have different lengths")
    if stacks > MAX_STACKS or len(values) > 10 * MAX_STACKS:
        raise Malformed(f"{stacks} stacks of {sample.service!r}: at most {MAX_STACKS} in a profile")
    if not len(values):
        return _Counts(at_stack, at_thread, values.astype(np.int64))
    if at_stack.max() >= stacks or at_thread.max() >= threads:
        raise Malformed(f"a sample of {sample.service!r} names a stack or thread that is not in its list")
    if values.max() > MAX_COUNT:
        raise Malformed(f"a sample of {sample.service!r} counts {values.max()}; 0 to 2**53 is possible")
    if float(values.sum(dtype=np.float64)) * max(1, sample.period) >= _MAX_TOTAL:
        raise Malformed(f"the samples of {sample.service!r} stand for more than 146 years; check its period")
    seen = values > 0
    keys, owners = np.unique(at_stack[seen] * threads + at_thread[seen], return_inverse=True)
    totals = np.zeros(len(keys), np.int64)
    np.add.at(totals, owners, values[seen].astype(np.int64))
    return _Counts(keys // threads, keys % threads, totals)
