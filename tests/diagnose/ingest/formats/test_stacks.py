"""Tables of profiles: read as they were packed, refused when they are broken, at a bounded cost either way."""

from __future__ import annotations

import time

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import wire
from collectors.columns import Frame, StackColumns, StackSample
from collectors.tables import profile_table
from diagnose.ingest.clock import Clock
from diagnose.ingest.content import Malformed, Recording
from diagnose.ingest.formats.stacks import recording_of
from tests.collectors.test_tables import spelled, stacks

COLUMNS = [name for name, kind in wire.ProfileTable.__annotations__.items() if kind == "bytes"]


def read(table: wire.ProfileTable) -> Recording:
    return recording_of(table, Clock(0, time.time_ns()))


def sane(one: wire.Stacks) -> wire.Stacks:
    """With times and counts that a host may have."""
    samples = [sample._replace(value=sample.value % 2**20) for sample in one.columns.sample_list()]
    columns = StackColumns.of(one.columns.frame_list(), one.columns.stack_list(), samples)
    strings = [text.replace("\0", "") for text in one.strings]
    return msgspec.structs.replace(
        one, start_ns=5, end_ns=9, period=one.period % 2**20, strings=strings, columns=columns
    )


def read_back(recording: Recording) -> list[list[object]]:
    """The samples of each profile as words."""
    names, found = recording.names, []
    for profile in recording.profiles:
        rows: list[object] = []
        for at in range(profile.first, profile.end):
            frames = [tuple(names.frame(frame)) for frame in names.path(int(recording.paths[at])).tolist()]
            offset = int(recording.offsets[at]) - 1 if recording.offsets is not None else -1
            thread = names.string(int(recording.threads[at]))
            rows.append((frames, thread, int(recording.counts[at]), offset))
        found.append(rows)
    return found


@settings(max_examples=50, deadline=None)
@given(st.lists(stacks().map(sane), max_size=3))
def test_what_was_packed_is_read(profiles):
    expected = [
        [(path, thread, value, -1 if offset is None else offset) for path, thread, value, _, offset in spelled(one)[-1]]
        for one in profiles
    ]  # fmt: skip
    assert read_back(read(profile_table(profiles))) == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(stacks().map(sane), min_size=1, max_size=2), st.sampled_from(COLUMNS), st.data())
def test_broken_columns_are_refused_or_read_but_never_anything_else(profiles, column, data):
    table = profile_table(profiles)
    whole = bytearray(getattr(table, column))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole)))
        whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        recording = read(msgspec.structs.replace(table, **{column: bytes(whole)}))
    except Malformed:
        return
    read_back(recording)
    assert recording.names.path_digests.shape[1] == len(recording.names.paths.lengths)


@settings(max_examples=50, deadline=None)
@given(stacks().map(sane), stacks().map(sane))
def test_digests_are_equal_where_names_are_equal(one, other):
    """Whatever numbers a batch gives them, and whatever else is in it."""
    words: dict[bytes, object] = {}
    for profiles in ([one], [other, one], [one, other]):
        names = read(profile_table(profiles)).names
        for number in range(len(names.paths.lengths)):
            digest = names.path_digests[:, number].tobytes()
            path = [names.frame(frame) for frame in names.path(number).tolist()]
            assert words.setdefault(digest, path) == path
    assert len(set(map(str, words.values()))) == len(words)


def large(paths: list[list[int]], name: str = "f") -> wire.ProfileTable:
    columns = StackColumns.of([Frame(1, 0, 1, 0)], paths, [StackSample(n, 0, 1) for n in range(len(paths))])
    return profile_table([wire.Stacks("cpu", "samples", "shop", {}, 1, 2, 1, ["", name], columns)])


def test_a_hundred_thousand_stacks_and_depths_of_two_thousand_are_read_within_a_second():
    tables = large([[0] * (n % 40) for n in range(100_000)]), large([[0] * 2_000 for _ in range(1_000)])
    for table in tables:
        began = time.process_time()
        assert read(table).names.path_digests.shape[0] == 2
        assert time.process_time() - began < 5  # about 0.1 on a machine that does nothing else


def test_of_stacks_that_are_too_deep_the_innermost_frames_are_kept():
    names = read(large([[0] * 5_000, [0] * 3])).names
    assert names.paths.lengths.tolist() == [2_000, 3]
    assert len(names.paths.frames) == 2_003


def test_long_names_and_names_with_nul_are_cut():
    names = read(large([[0]], "é\0" * 3_000)).names
    assert names.string(1) == "é\ufffd" * 499 + "é…"
    assert np.array_equal(names.text_digests, read(large([[0]], "é\0" * 3_000)).names.text_digests)


def test_a_frame_beyond_its_table_is_refused_with_the_place():
    with pytest.raises(Malformed, match="frame_files"):
        read(msgspec.structs.replace(large([[0]]), frame_files=b"\x09\x01"))
