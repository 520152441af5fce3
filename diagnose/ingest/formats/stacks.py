"""The collector's profiles: packed tables become arrays, each bounded and checked once, here."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from collectors import wire
from collectors.columns import STATES
from diagnose.ingest.clock import Clock
from diagnose.ingest.content import Malformed, Profile, Recording
from diagnose.ingest.formats.columns import column, unpacked
from diagnose.ingest.formats.text import MAX_COUNT, checked_key, cut
from diagnose.store.names import Names, Paths

MAX_PROFILES = 1_000
MAX_STACKS = 100_000
MAX_DEPTH = 2_000
_MAX_SAMPLES = 10 * MAX_STACKS
_MAX_PATH_FRAMES = 10_000_000
_MAX_TOTAL = 1 << 62
_MAX_OFFSET_MS = 1 << 32
_STRING_CHARS, _SERVICE_CHARS = 1_000, 300
_CONTINUES = 0x80  # the bytes of a character after its first are 0b10xxxxxx


def recording_of(table: wire.ProfileTable, clock: Clock) -> Recording:
    """Raises Malformed."""
    if len(table.profiles) > MAX_PROFILES:
        raise Malformed(
            f"{len(table.profiles)} profiles in one table: at most {MAX_PROFILES}; send smaller ones"
        )
    names = _names(table)
    paths = column(table.sample_stacks, "sample_stacks", len(names.paths.lengths))
    samples = len(paths)
    if samples > _MAX_SAMPLES:
        raise Malformed(f"{samples} samples in one table: at most {_MAX_SAMPLES}; send smaller ones")
    threads = column(table.sample_threads, "sample_threads", len(names.text_lengths), samples)
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
    text, lengths = _text(table)
    names = column(table.frame_names, "frame_names", len(lengths))
    frames = (
        names,
        column(table.frame_files, "frame_files", len(lengths), len(names)),
        column(table.frame_lines, "frame_lines", 1 << 31, len(names)),
        column(table.frame_modules, "frame_modules", len(lengths), len(names)),
    )
    return Names(text, lengths, np.stack(frames), _paths(table, len(names)))


def _text(table: wire.ProfileTable) -> tuple[bytes, NDArray[np.int64]]:
    """Checked UTF-8, cut where a string is longer than any name."""
    lengths = column(table.text_lengths, "text_lengths", len(table.text) + 1)
    ends = np.cumsum(lengths)
    if (int(ends[-1]) if len(ends) else 0) != len(table.text):
        raise Malformed(f"the strings of a table are not as long as their {len(table.text)} bytes")
    try:
        table.text.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"the strings of a table are no UTF-8: {error}") from None
    raw = np.frombuffer(table.text, np.uint8)
    begins = ends[lengths > 0] - lengths[lengths > 0]
    if np.any(raw[begins] & 0xC0 == _CONTINUES):
        raise Malformed("a string of a table begins within a character; check text_lengths")
    if b"\0" not in table.text and (not len(lengths) or lengths.max() <= _STRING_CHARS):
        return table.text, lengths
    spans = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
    texts = [cut(table.text[begin:end].decode(), _STRING_CHARS).encode() for begin, end in spans]
    return b"".join(texts), np.array([len(text) for text in texts], np.int64)


def _paths(table: wire.ProfileTable, frames: int) -> Paths:
    """Of a very deep stack the innermost frames are kept: there the time is spent."""
    path_frames = unpacked(table.paths, "paths")
    if len(path_frames) > _MAX_PATH_FRAMES:
        raise Malformed(f"the stacks of a table have {len(path_frames)} frames; sample less")
    if len(path_frames) and path_frames.max() >= frames:
        raise Malformed(f"a stack has frame {path_frames.max()}, but the table has {frames} frames")
    lengths = column(table.path_lengths, "path_lengths", len(path_frames) + 1)
    if len(lengths) > MAX_STACKS:
        raise Malformed(f"{len(lengths)} stacks in one table: at most {MAX_STACKS}; sample less")
    ends = np.cumsum(lengths)
    if (int(ends[-1]) if len(ends) else 0) != len(path_frames):
        raise Malformed(f"the stacks of a table are not as long as their {len(path_frames)} frames")
    if not len(lengths) or lengths.max() <= MAX_DEPTH:
        return Paths(path_frames, lengths)
    from_leaf = np.repeat(ends, lengths) - np.arange(len(path_frames))
    return Paths(path_frames[from_leaf <= MAX_DEPTH], np.minimum(lengths, MAX_DEPTH))
