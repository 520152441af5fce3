"""Formats of other programs: what we export comes back as it was, and bad input is refused by its place."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.formats import pprof as pprof_format
from collectors.formats.profile import BadProfile, Frame, Profile
from diagnose.ingest.formats import folded as folded_format
from diagnose.ingest.formats import speedscope as speedscope_format
from diagnose.reports.export import folded, pprof, speedscope
from diagnose.store.flamegraph import StackRow
from diagnose.store.names import FrameInfo
from diagnose.store.profiles import Merged

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
FRAMES = st.builds(
    FrameInfo, NAMES, st.sampled_from(["", "/srv/a.go", "b.py"]), st.integers(0, 2**31 - 1), st.just("")
)
ROWS = st.lists(
    st.builds(
        StackRow,
        st.sampled_from(["main", "worker-é"]),
        st.lists(FRAMES, max_size=6).map(tuple),
        st.integers(1, 2**36),
    ),
    max_size=12,
)


def merged(unit: str = "samples", kind: str = "cpu", period_ns: int = 10_000_000) -> Merged:
    return Merged(np.empty(0, np.uint32), np.empty(0, np.int64), period_ns, unit, 1, 10.0, kind)


def words(profile: Profile) -> Counter[tuple[str, tuple[Frame, ...]]]:
    """The last value of each stack, by thread."""
    found: Counter[tuple[str, tuple[Frame, ...]]] = Counter()
    for sample in profile.samples:
        path = tuple(profile.frames[frame]._replace(module="") for frame in profile.stacks[sample.stack])
        found[(sample.thread, path)] += sample.values[-1]
    return found


def expected(rows: list[StackRow], weight: int) -> Counter[tuple[str, tuple[Frame, ...]]]:
    found: Counter[tuple[str, tuple[Frame, ...]]] = Counter()
    for row in rows:
        found[(row.thread, tuple(Frame(*frame) for frame in row.frames))] += row.count * weight
    return found


@given(ROWS)
def test_pprof_comes_back_as_it_was(rows):
    data = pprof.export(merged(), rows, start_ns=10**18, end_ns=10**18 + 10**10, threads=True)
    profile = pprof_format.read(data)
    assert words(profile) == expected(rows, 10_000_000)
    assert (profile.time_ns, profile.duration_ns, profile.period) == (10**18, 10**10, 10_000_000)


@pytest.mark.parametrize(
    ("unit", "kind", "name"),
    [
        ("bytes", "inuse_space", "inuse_space"),
        ("nanoseconds", "mutex", "delay"),
        ("count", "goroutine", "goroutine"),
    ],
)
def test_pprof_of_other_units_has_one_value(unit, kind, name):
    rows = [StackRow("", (FrameInfo("main", "", 0, ""),), 42)]
    profile = pprof_format.read(pprof.export(merged(unit, kind, 1), rows, start_ns=0, end_ns=1))
    assert (profile.value_types, profile.samples[0].values) == ([(name, unit)], (42,))


@given(ROWS)
def test_speedscope_comes_back_as_it_was(rows):
    file = speedscope.export("shop cpu", merged(period_ns=1), rows)
    found = words(speedscope_format.read(gzip.compress(json.dumps(file).encode())))
    anonymous = [StackRow("shop cpu", row.frames, row.count) for row in rows]
    assert found == expected(anonymous, 1)


@given(ROWS)
def test_folded_stacks_come_back_by_name(rows):
    profile = folded_format.read(folded.export(rows).encode())
    found = Counter({path: count for (_, path), count in words(profile).items()})
    assert found.total() == sum(row.count for row in rows)
    assert folded.export(
        [StackRow("", tuple(FrameInfo(*frame) for frame in path), count) for path, count in found.items()]
    ).count("\n") == len(found)


def test_folded_stacks_are_read_with_their_counts():
    profile = folded_format.read(
        b"# a remark\nmain;serve it;price 7\n\nmain;idle 3\nmain;idle 2\n[no frames] 1\n"
    )
    found = {tuple(frame.name for frame in path): count for (_, path), count in words(profile).items()}
    assert found == {("main", "serve it", "price"): 7, ("main", "idle"): 5, (): 1}


@pytest.mark.parametrize(
    ("line", "expected_words"),
    [
        (b"main;idle", "line 2 is 'main;idle'"),
        (b"main 1.5", "line 2 is 'main 1.5'"),
        (b"main -3", "line 2 is 'main -3'"),
        (b"main 99999999999999999999", "line 2 is"),
        (b"main 9999999999999999", "line 2 counts 9999999999999999"),
        (b"a;" * 10_001 + b"b 1", "10002 frames"),
        (b"\n" * 500_001, "more than 500000 lines"),
    ],
)
def test_a_folded_line_that_is_none_is_named(line, expected_words):
    with pytest.raises(BadProfile, match=expected_words):
        folded_format.read(b"main 1\n" + line)


EVENTED = {
    "type": "evented",
    "name": "thread 1",
    "unit": "milliseconds",
    "events": [
        {"type": "O", "frame": 0, "at": 0},
        {"type": "O", "frame": 1, "at": 1},
        {"type": "C", "frame": 1, "at": 4},
        {"type": "C", "frame": 0, "at": 4.5},
    ],
}


def file(*profiles: object) -> bytes:
    frames = [{"name": "main", "file": None}, {"name": "work", "file": "w.py", "line": 3}]
    return json.dumps({"shared": {"frames": frames}, "profiles": profiles}).encode()


def test_events_become_the_time_that_each_stack_was_open():
    profile = speedscope_format.read(file(EVENTED))
    assert profile.value_types == [("time", "nanoseconds")]
    assert words(profile) == {
        ("thread 1", (Frame("main"),)): 1_500_000,
        ("thread 1", (Frame("main"), Frame("work", "w.py", 3))): 3_000_000,
    }


def sampled(**changes: object) -> dict[str, object]:
    return {"type": "sampled", "unit": "none", "name": "", "samples": [[0, 1]], "weights": [2], **changes}


@pytest.mark.parametrize(
    ("data", "expected_words"),
    [
        (b"{}", "no speedscope file: Object missing required field `shared`"),
        (b"not json", "no speedscope file"),
        (b"[" * 100_000, "no speedscope file"),
        (file(), "units of none"),
        (file(sampled(), sampled(unit="bytes")), "units bytes, none"),
        (file(sampled(unit="furlongs")), r"Invalid enum value 'furlongs' - at `\$.profiles\[0\].unit`"),
        (file(sampled(samples=[[2]])), "frame 2; shared.frames has 2"),
        (file(sampled(samples=[[-1]])), "frame -1; shared.frames has 2"),
        (file(sampled(weights=[])), "1 samples and 0 weights"),
        (file(sampled(weights=[-1])), r"a weight of profiles\[0\] is -1"),
        (file(sampled(weights=[1e300])), "is 1e\\+300"),
        (file({**EVENTED, "events": [{"type": "C", "frame": 0, "at": 0}]}), "not the last opened"),
        (file({**EVENTED, "events": [{"type": "O", "frame": 5, "at": 0}]}), "frame 5 at 0"),
        (file({**EVENTED, "events": EVENTED["events"][::-1]}), "closes frame 0 at 4.5"),
        (file({**EVENTED, "events": [EVENTED["events"][0]] * 10_001}), "opens more than 10000"),
    ],
)  # fmt: skip
def test_what_is_no_speedscope_file_is_refused_by_its_field(data, expected_words):
    with pytest.raises(BadProfile, match=expected_words):
        speedscope_format.read(data)


@given(st.binary(max_size=300), st.data())
def test_any_bytes_are_a_profile_or_refused(noise, data):
    body = bytearray(file(EVENTED))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    for read in (folded_format.read, speedscope_format.read):
        for candidate in (noise, gzip.compress(noise), bytes(body)):
            with contextlib.suppress(BadProfile):
                assert len(read(candidate).value_types) == 1
