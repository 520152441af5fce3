"""Points and stacks of a batch become tables, which write once what they share; and tables become them again."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice

import zstandard

from collectors import stackdigests, wire
from collectors.columns import STATES, Frame, StackColumns, StackSample, fixed, of_fixed, packed, unpacked

# Above this a table begins anew: what is refused as too large can be halved only between tables.
TABLE_BYTES = 1024 * 1024
# The server takes twice as many in one batch.
MAX_NAMES_BYTES = 32 * 1024 * 1024


def points_of(table: wire.PointTable) -> Iterator[wire.Points]:
    """The series of a table."""
    times, values = of_fixed("q", table.times), of_fixed("d", table.values)
    lengths = unpacked(table.lengths)
    for series, length, end in zip(
        wire.decode_series(table.series), lengths, accumulate(lengths), strict=True
    ):
        chosen = slice(end - length, end)
        yield wire.Points(series.metric, series.labels, times[chosen], values[chosen], series.counter)


def point_table(points: Sequence[wire.Points]) -> wire.PointTable:
    """One table of these series. Raises what an unusable number or text raises."""
    for one in points:
        if len(one.times) != len(one.values):
            raise ValueError(f"{one.metric}: {len(one.times)} times for {len(one.values)} values")
    return wire.PointTable(
        series=wire.encode_series([wire.Series(one.metric, one.labels, one.counter) for one in points]),
        lengths=packed(len(one.times) for one in points),
        times=fixed(array("q", chain.from_iterable(one.times for one in points))),
        values=fixed(array("d", chain.from_iterable(one.values for one in points))),
    )


def in_reach(stacks: Iterable[wire.Stacks]) -> Iterator[list[wire.Stacks]]:
    """Groups of profiles for one table each."""
    group: list[wire.Stacks] = []
    size = 0
    for one in stacks:
        if group and size + one.columns.size_bytes > TABLE_BYTES:
            yield group
            group, size = [], 0
        group.append(one)
        size += one.columns.size_bytes
    if group:
        yield group


def profile_table(stacks: Sequence[wire.Stacks]) -> wire.ProfileTable:
    """One table of these profiles. Raises what an unusable number or text raises."""
    shared = _Shared()
    for one in stacks:
        shared.add(one)
    texts = [text.encode() for text in shared.strings]
    offsets = shared.samples[4]
    return wire.ProfileTable(
        profiles=[_head(one) for one in stacks],
        path_digests=b"".join(shared.path_digests(texts)),
        threads=list(shared.threads),
        names=_compressed(shared.names(texts)),
        sample_stacks=packed(shared.samples[0]),
        sample_threads=packed(shared.samples[1]),
        sample_values=packed(shared.samples[2]),
        sample_states=packed(shared.samples[3]),
        sample_offsets=packed(offsets) if any(offsets) else b"",
    )


def stacks_of(table: wire.ProfileTable) -> Iterator[wire.Stacks]:
    """The profiles of a table, each with all of the table's names."""
    names = wire.decode_names(zstandard.ZstdDecompressor().decompress(table.names))
    ends = list(accumulate(unpacked(names.text_lengths)))
    strings = [names.text[begin:end].decode() for begin, end in zip([0, *ends], ends, strict=False)]
    frames = [Frame(*row) for row in zip(*map(unpacked, _frame_columns(names)), strict=True)]
    path_frames, lengths = unpacked(names.paths), unpacked(names.path_lengths)
    paths = [
        path_frames[end - length : end] for length, end in zip(lengths, accumulate(lengths), strict=True)
    ]
    samples = (one._replace(thread=one.thread + len(strings)) for one in _samples(table))
    for head in table.profiles:
        mine = list(islice(samples, head.samples))
        yield wire.Stacks(
            head.type, head.unit, head.service, head.labels, head.start_ns, head.end_ns, head.period,
            [*strings, *table.threads], StackColumns.of(frames, paths, mine), head.capture_id,
        )  # fmt: skip


def samples_of(item: wire.Item) -> Iterator[wire.Sample]:
    """What was packed into an item."""
    match item:
        case wire.PointTable():
            yield from points_of(item)
        case wire.ProfileTable():
            yield from stacks_of(item)
        case _:
            yield item


def _compressed(names: wire.Names) -> bytes:
    data = wire.encode_names(names)
    if len(data) > MAX_NAMES_BYTES:
        raise ValueError(f"{len(data)} bytes of names in one table; the server takes {MAX_NAMES_BYTES}")
    return zstandard.ZstdCompressor(level=1).compress(data)


def _frame_columns(names: wire.Names) -> tuple[bytes, ...]:
    return names.frame_names, names.frame_files, names.frame_lines, names.frame_modules


def _samples(table: wire.ProfileTable) -> Iterator[StackSample]:
    columns = [
        unpacked(column)
        for column in (table.sample_stacks, table.sample_threads, table.sample_values, table.sample_states)
    ]
    offsets = unpacked(table.sample_offsets) if table.sample_offsets else [0] * len(columns[0])
    for stack, thread, value, state, offset in zip(*columns, offsets, strict=True):
        yield StackSample(stack, thread, value, STATES[state], offset - 1 if offset else None)


def _head(stacks: wire.Stacks) -> wire.Profile:
    return wire.Profile(
        stacks.type, stacks.unit, stacks.service, stacks.labels, stacks.start_ns, stacks.end_ns, stacks.period,
        len(stacks.columns.sample_stacks), stacks.capture_id,
    )  # fmt: skip


class _Shared:
    """What many profiles consist of, each in the order it was first seen, and all their samples."""

    def __init__(self) -> None:
        self.strings: dict[str, int] = {}
        self.threads: dict[str, int] = {}
        self.frames: dict[tuple[int, int, int, int], int] = {}
        self.paths: dict[tuple[int, ...], int] = {}
        self.samples: tuple[list[int], ...] = ([], [], [], [], [])

    def add(self, stacks: wire.Stacks) -> None:
        columns = stacks.columns
        strings = [self.strings.setdefault(text, len(self.strings)) for text in stacks.strings]
        rows = zip(*(columns.frames[at::4] for at in range(4)), strict=True)
        frames = [
            self.frames.setdefault((strings[name], strings[file], line, strings[module]), len(self.frames))
            for name, file, line, module in rows
        ]
        path_frames = list(map(frames.__getitem__, columns.path_frames))
        ends = accumulate(columns.lengths)
        paths = [
            self.paths.setdefault(tuple(path_frames[end - length : end]), len(self.paths))
            for end, length in zip(ends, columns.lengths, strict=True)
        ]
        self.samples[0].extend(map(paths.__getitem__, columns.sample_stacks))
        threads = {
            number: self.threads.setdefault(stacks.strings[number], len(self.threads))
            for number in dict.fromkeys(columns.sample_threads)
        }
        self.samples[1].extend(map(threads.__getitem__, columns.sample_threads))
        for mine, column in zip(self.samples[2:], columns[5:], strict=True):
            mine.extend(column)

    def path_digests(self, texts: Sequence[bytes]) -> list[bytes]:
        frames = [
            stackdigests.of_frame(texts[name], texts[file], line, texts[module])
            for name, file, line, module in self.frames
        ]
        return [stackdigests.of_path(map(frames.__getitem__, path)) for path in self.paths]

    def names(self, texts: Sequence[bytes]) -> wire.Names:
        names, files, lines, modules = zip(*self.frames, strict=True) if self.frames else ((), (), (), ())
        return wire.Names(
            text=b"".join(texts),
            text_lengths=packed(map(len, texts)),
            frame_names=packed(names),
            frame_files=packed(files),
            frame_lines=packed(lines),
            frame_modules=packed(modules),
            path_lengths=packed(len(path) for path in self.paths),
            paths=packed(chain.from_iterable(self.paths)),
        )
