"""Tables of profiles: read as they were packed, refused when they are broken, at a bounded cost either way."""

from __future__ import annotations

import time

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import wire
from collectors.columns import Frame, StackColumns, StackSample
from collectors.tables import profile_table
from diagnose.ingest.clock import Clock
from diagnose.ingest.content import Malformed, Recording
from diagnose.ingest.formats.stacks import recording_of
from diagnose.store.names import FrameInfo
from diagnose.store.names import given as given_in_words
from tests.batches import renamed
from tests.collectors.test_tables import spelled, stacks

NAMES = wire.Names.__struct_fields__
COLUMNS = [*NAMES, *(name for name, kind in wire.ProfileTable.__annotations__.items() if kind == "bytes")]


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
    spelled, found = in_words(recording), []
    for profile in recording.profiles:
        rows: list[object] = []
        for at in range(profile.first, profile.end):
            offset = int(recording.offsets[at]) - 1 if recording.offsets is not None else -1
            thread = recording.names.threads[int(recording.threads[at])]
            rows.append((spelled[int(recording.paths[at])], thread, int(recording.counts[at]), offset))
        found.append(rows)
    return found


def in_words(recording: Recording) -> list[list[FrameInfo]]:
    """All stacks."""
    spelled = recording.names.spell(range(len(recording.names.path_digests)))
    return [
        [spelled.frames[digest] for digest in spelled.paths[number]] for number in range(len(spelled.paths))
    ]


@settings(max_examples=50, deadline=None)
@given(st.lists(stacks().map(sane), max_size=3))
def test_what_was_packed_is_read(profiles):
    expected = [
        [(path, thread, value, -1 if offset is None else offset) for path, thread, value, _, offset in spelled(one)[-1]]
        for one in profiles
    ]  # fmt: skip
    assert read_back(read(profile_table(profiles))) == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(stacks().map(sane), min_size=1, max_size=2), st.sampled_from(COLUMNS), st.data())
def test_broken_columns_are_refused_or_read_but_never_anything_else(profiles, column, data):
    """A stack whose name was changed is never read."""
    table = profile_table(profiles)
    names = wire.decode_names(zstandard.ZstdDecompressor().decompress(table.names))
    whole = bytearray(getattr(names if column in NAMES else table, column))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole)))
        whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    changed = bytes(whole)
    fields = {"names": renamed(table.names, **{column: changed})} if column in NAMES else {column: changed}
    sound = in_words(read(table))
    try:
        recording = read(msgspec.structs.replace(table, **fields))
        read_back(recording)
    except Malformed:
        return
    if column != "path_digests" or changed == table.path_digests:
        assert in_words(recording) == sound


@settings(max_examples=50, deadline=None)
@given(stacks().map(sane), stacks().map(sane))
def test_digests_are_equal_where_names_are_equal(one, other):
    """Whatever numbers a batch gives them, and whatever else is in it."""
    words: dict[bytes, object] = {}
    for profiles in ([one], [other, one], [one, other]):
        recording = read(profile_table(profiles))
        digests = recording.names.path_digests.tolist()
        for digest, path in zip(digests, in_words(recording), strict=True):
            assert words.setdefault(digest, path) == path
    assert len(set(map(str, words.values()))) == len(words)


@settings(max_examples=50, deadline=None)
@given(stacks().map(sane))
def test_stacks_given_in_words_have_the_digests_of_those_that_were_sent(one):
    recording = read(profile_table([one]))
    paths = in_words(recording)
    frames = list(dict.fromkeys(frame for path in paths for frame in path))
    given_names = given_in_words(frames, [[frames.index(frame) for frame in path] for path in paths], [])
    assert given_names.path_digests.tolist() == recording.names.path_digests.tolist()


def large(paths: list[list[int]], name: str = "f") -> wire.ProfileTable:
    frames = [Frame(1, 0, line, 0) for line in range(1_000)]
    columns = StackColumns.of(frames, paths, [StackSample(n, 0, 1) for n in range(len(paths))])
    return profile_table([wire.Stacks("cpu", "samples", "shop", {}, 1, 2, 1, ["", name], columns)])


def test_a_hundred_thousand_stacks_and_depths_of_two_thousand_are_read_at_a_bounded_cost():
    many = [[n // 1_000, *[0] * (n % 40), n % 1_000] for n in range(100_000)]
    tables = large(many), large([[n, *[0] * 1_999] for n in range(1_000)])
    for table in tables:
        began = time.process_time()
        assert in_words(read(table))
        assert time.process_time() - began < 5  # 0.8 and 0.3 measured on a slow machine


def test_of_stacks_that_are_too_deep_the_innermost_frames_are_kept():
    columns = StackColumns.of(
        [Frame(0, 0, line, 0) for line in range(5_000)], [[*range(5_000)], [1, 2, 3]], [StackSample(0, 0, 1)]
    )
    one = wire.Stacks("cpu", "samples", "shop", {}, 1, 2, 1, ["f"], columns)
    recording = read(profile_table([one, one]))
    found = recording.names.spell([0])
    assert [found.frames[digest].line for digest in found.paths[0]] == [*range(3_000, 5_000)]


def test_long_names_and_names_with_nul_are_cut():
    assert in_words(read(large([[0]], "é\0" * 3_000)))[0][0].name == "é\ufffd" * 499 + "é…"


def test_a_frame_beyond_its_table_is_refused_with_the_place():
    table = large([[0]])
    broken = msgspec.structs.replace(table, names=renamed(table.names, frame_files=b"\x09\x01"))
    with pytest.raises(Malformed, match="frame_files"):
        in_words(read(broken))
