"""What goes into tables comes out of them again, whatever it is."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import tables, wire
from collectors.columns import STATES, Frame, StackColumns, StackSample, packed, unpacked
from collectors.delivery.gather import Gather
from tests.batches import unpacked as carried

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TIMES = st.integers(-(2**63), 2**63 - 1)
LABELS = st.dictionaries(TEXTS, TEXTS, max_size=3)


@st.composite
def points(draw: Any) -> wire.Points:
    pairs = draw(st.lists(st.tuples(TIMES, st.floats(allow_nan=False)), max_size=4))
    times, values = ([pair[at] for pair in pairs] for at in (0, 1))
    return wire.Points(draw(TEXTS), draw(LABELS), times, values, draw(st.booleans()))


@st.composite
def stacks(draw: Any) -> wire.Stacks:
    strings = draw(st.lists(TEXTS, min_size=1, max_size=6, unique=True))
    string = st.integers(0, len(strings) - 1)
    frames = draw(
        st.lists(st.builds(Frame, string, string, st.integers(0, 2**31 - 1), string), min_size=1, max_size=6)
    )
    path = st.lists(st.integers(0, len(frames) - 1), max_size=9)
    paths = draw(st.lists(path, min_size=1, max_size=6))
    sample = st.builds(
        StackSample,
        st.integers(0, len(paths) - 1),
        string,
        st.integers(0, 2**64 - 1),
        st.sampled_from(STATES),
        st.none() | st.integers(0, 2**32 - 2),
    )
    columns = StackColumns.of(frames, paths, draw(st.lists(sample, max_size=6)))
    return wire.Stacks(
        "cpu", "samples", draw(TEXTS), draw(LABELS), draw(TIMES), draw(TIMES), draw(st.integers(0, 2**53)),
        strings, columns, draw(st.none() | TEXTS),
    )  # fmt: skip


def spelled(one: wire.Stacks) -> tuple[Any, ...]:
    """Everything that a profile says, without the numbers of its tables."""
    text, frames, paths = one.strings, one.columns.frame_list(), one.columns.stack_list()
    named = [(text[f.name], text[f.file], f.line, text[f.module]) for f in frames]
    samples = [
        ([named[frame] for frame in paths[stack]], text[thread], value, state, offset)
        for stack, thread, value, state, offset in one.columns.sample_list()
    ]
    head = one.type, one.unit, one.service, one.labels, one.start_ns, one.end_ns, one.period, one.capture_id
    return *head, samples


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_numbers_survive_packing_in_the_least_width_that_holds_them(numbers):
    data = packed(numbers)
    assert unpacked(data) == numbers
    widths = [width for width in (1, 2, 4, 8) if max(numbers, default=0) < 256**width]
    assert len(data) == widths[0] * len(numbers) + 1


@settings(max_examples=50, deadline=None)
@given(st.lists(points(), max_size=5))
def test_points_survive_their_table(given_points):
    assert list(tables.points_of(tables.point_table(given_points))) == given_points


@settings(max_examples=50, deadline=None)
@given(st.lists(stacks(), max_size=4))
def test_stacks_survive_their_table(given_stacks):
    back = tables.stacks_of(tables.profile_table(given_stacks))
    assert [spelled(one) for one in back] == [spelled(one) for one in given_stacks]


def profile(name: str, depth: int = 1, value: int = 1) -> wire.Stacks:
    columns = StackColumns.of([Frame(1, 0, 1, 0)], [[0] * depth], [StackSample(0, 0, value)])
    return wire.Stacks("cpu", "samples", "shop", {}, 1, 2, 1, ["", name], columns)


def test_what_profiles_share_is_written_once():
    one, many = (wire.encode_item(tables.profile_table([profile("f", 500)] * n)) for n in (1, 8))
    assert len(bytes(many)) - len(bytes(one)) < 7 * 120


def test_profiles_of_a_large_capture_come_in_several_tables():
    large = [profile("f", 100_000) for _ in range(5)]
    assert [len(group) for group in tables.in_reach(large)] == [2, 2, 1]
    gather = Gather()
    for one in large:
        gather.add("capture", one)
    assert [spelled(one) for one in carried(gather.take())] == [spelled(one) for one in large]


def test_a_profile_that_cannot_be_encoded_does_not_take_the_others_with_it():
    gather = Gather()
    for name in ("f", "\udcff", "g"):
        gather.add("stacks", profile(name))
    first, event, last = carried(gather.take())
    assert (spelled(first), spelled(last)) == (spelled(profile("f")), spelled(profile("g")))
    assert isinstance(event, wire.Event)
    assert (event.event, event.fields["probe"]) == ("sample_not_encodable", "stacks")
