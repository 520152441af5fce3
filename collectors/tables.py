"""Points and stacks of a batch become tables, which write once what they share; and tables become them again."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain

from collectors import wire
from collectors.columns import STATES, Frame, StackColumns, StackSample, fixed, of_fixed, packed, unpacked

# Above this a table begins anew: what is refused as too large can be halved only between tables.
TABLE_BYTES = 1024 * 1024


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
    names, files, lines, modules = zip(*shared.frames, strict=True) if shared.frames else ((), (), (), ())
    offsets = shared.samples[4]
    return wire.ProfileTable(
        profiles=[_head(one) for one in stacks],
        text=b"".join(texts),
        text_lengths=packed(map(len, texts)),
        frame_names=packed(names),
        frame_files=packed(files),
        frame_lines=packed(lines),
        frame_modules=packed(modules),
        path_lengths=packed(len(path) for path in shared.paths),
        paths=packed(chain.from_iterable(shared.paths)),
        sample_stacks=packed(shared.samples[0]),
        sample_threads=packed(shared.samples[1]),
        sample_values=packed(shared.samples[2]),
        sample_states=packed(shared.samples[3]),
        sample_offsets=packed(offsets) if any(offsets) else b"",
    )


def stacks_of(table: wire.ProfileTable) -> Iterator[wire.Stacks]:
    """The profiles of a table, each with all of the table's names."""
    ends = list(accumulate(unpacked(table.text_lengths)))
    strings = [table.text[begin:end].decode() for begin, end in zip([0, *ends], ends, strict=False)]
    frames = [Frame(*row) for row in zip(*map(unpacked, _frame_columns(table)), strict=True)]
    path_frames, lengths = unpacked(table.paths), unpacked(table.path_lengths)
    paths = [
        path_frames[end - length : end] for length, end in zip(lengths, accumulate(lengths), strict=True)
    ]
    samples = iter(_samples(table))
    for head in table.profiles:
        mine = [next(samples) for _ in range(head.samples)]
        yield wire.Stacks(
            head.type, head.unit, head.service, head.labels, head.start_ns, head.end_ns, head.period,
            strings, StackColumns.of(frames, paths, mine), head.capture_id,
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


def _frame_columns(table: wire.ProfileTable) -> tuple[bytes, ...]:
    return table.frame_names, table.frame_files, table.frame_lines, table.frame_modules


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
    """Strings, frames and paths of many profiles in the order they were first seen, and all their samples."""

    def __init__(self) -> None:
        self.strings: dict[str, int] = {}
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
        self.samples[1].extend(map(strings.__getitem__, columns.sample_threads))
        for mine, column in zip(self.samples[2:], columns[5:], strict=True):
            mine.extend(column)
