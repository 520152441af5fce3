"""pprof is read as it was meant, and what is broken, hostile or something else is refused by the field's name."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.formats import pprof, protobuf
from collectors.formats.inflate import inflated
from collectors.formats.profile import BadProfile, Frame, Profile, ValueType
from tests.collectors.formats import messages
from tests.collectors.formats.messages import message, varint

SHOP = {"main;serve;price": (7, 70_000_000), "main;serve": (2, 20_000_000), "main;idle": (1, 10_000_000)}


def folded(profile: Profile) -> dict[str, tuple[int, ...]]:
    return {
        ";".join(profile.frames[frame].name for frame in profile.stacks[sample.stack]): sample.values
        for sample in profile.samples
    }


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda data: gzip.compress(data[:50]) + gzip.compress(data[50:])]
)
def test_stacks_are_root_first_with_all_their_values(pack):
    profile = pprof.read(pack(messages.pprof(SHOP)))
    assert folded(profile) == SHOP
    assert profile.value_types == [ValueType("samples", "count"), ValueType("cpu", "nanoseconds")]
    assert profile.period == 10_000_000
    assert Frame("serve", "code.go", 7) in profile.frames


def test_inlined_functions_of_one_location_are_frames_of_their_own():
    strings = ["", "n", "count", "outer", "shop/cart.(*Cart[shop/item.Item]).inner"]
    data = message([
        (1, message([(1, 1), (2, 2)])),
        (2, message([(1, 1), (2, 5)])),  # not packed, as old writers do
        (4, message([(1, 1), (4, message([(1, 2), (2, 11)])), (4, message([(1, 1), (2, 12)]))])),
        (5, message([(1, 1), (2, 3)])),
        (5, message([(1, 2), (2, 4)])),
        *((6, text) for text in strings),
    ])  # fmt: skip
    profile = pprof.read(data)
    assert [profile.frames[frame] for frame in profile.stacks[0]] == [
        Frame("outer", "", 12, ""),
        Frame("shop/cart.(*Cart[shop/item.Item]).inner", "", 11, "shop/cart"),
    ]


def test_an_address_without_a_symbol_is_told_with_its_file():
    strings = ["", "n", "count", "/usr/lib/libz.so.1"]
    data = message([
        (1, message([(1, 1), (2, 2)])),
        (2, message([(1, b"\x01"), (2, b"\x05")])),
        (3, message([(1, 9), (5, 3)])),
        (4, message([(1, 1), (2, 9), (3, 0xBEEF)])),
        *((6, text) for text in strings),
    ])  # fmt: skip
    assert pprof.read(data).frames == [Frame("0xbeef", "", 0, "libz.so.1")]


def test_a_label_names_the_thread():
    label = message([(1, 1), (2, 2)])
    strings = ["", "thread", "worker-3"]
    data = message([
        (1, message([])),
        (2, message([(2, b"\x05"), (3, label)])),
        *((6, text) for text in strings),
    ])  # fmt: skip
    assert pprof.read(data).samples[0].thread == "worker-3"


def test_negative_values_and_large_numbers_hold():
    data = messages.pprof({"main": (-5, 1 << 62)})
    assert pprof.read(data).samples[0].values == (-5, 1 << 62)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "sample_type has 0 entries"),
        (b"<html>not found</html>", "it is no profile|cut short"),
        (gzip.compress(messages.pprof(SHOP))[:-9], "end in the middle"),
        (gzip.compress(messages.pprof(SHOP))[:20] + b"\0" * 90, "damaged|end in the middle"),
        (messages.pprof(SHOP)[:-3], "field 6 of the profile says 3 bytes more"),
        (message([(6, b"first")]), r"string_table\[0\] is b'first'"),
        (message([(1, message([(1, 40)]))]), "sample_type.type is string 40, and string_table has 0"),
        (messages.pprof({"main": (1,)}), "a sample has 1 values, and sample_type has 2"),
        (messages.pprof(SHOP, (("a", "b"),) * 17), "sample_type has 17 entries"),
        (messages.pprof(SHOP, ()), "sample_type has 0 entries"),
        (message([(1, b""), (2, message([(1, b"\x07"), (2, b"\x01")]))]), "sample.location_id has 7"),
        (message([(1, b""), (4, message([(4, message([(1, 3)]))]))]), "function_id is 3"),
        (message([(1, b""), (2, message([(1, b"\x80")]))]), "sample ends in the middle of a number"),
        (message([(1, b""), (2, message([(1, b"\x80" * 11 + b"\0"), (2, b"\0")]))]), "more than 10 bytes"),
        (message([(1, b""), (2, b"\x0b\x01")]), "field 1 of sample has the wire type 3"),
        (message([(14, 9), (1, b"")]), "default_sample_type is string 9"),
    ],
)  # fmt: skip
def test_what_is_no_profile_is_refused_by_its_field(data, words):
    with pytest.raises(BadProfile, match=words):
        pprof.read(data)


BOMBS = """
import gzip, resource
from collectors.formats import pprof
for data in (b"\\0" * (1 << 26), b"\\x12\\0" * (1 << 22), b"\\x12\\0" * 600_000):
    packed = gzip.compress(data, 1)
    del data
    resource.setrlimit(resource.RLIMIT_AS, (500 << 20, -1))
    try:
        pprof.read(packed)
    except pprof.BadProfile as refused:
        print(refused)
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
"""


def test_a_bomb_costs_no_more_than_its_bounds():
    done = subprocess.run([sys.executable, "-c", BOMBS], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "the profile has more than 33554432 bytes uncompressed: record a shorter time",
        "the profile has more than 1000000 fields: record a shorter time",
        "600000 samples; at most 500000 are read: record a shorter time",
    ]


def test_inlined_functions_multiply_no_further_than_the_bound():
    lines = b"".join(message([(4, message([(1, 1)]))]) for _ in range(20_000))
    sample = message([(1, b"\x01" * 5_000), (2, b"\x01")])
    data = message([(1, b""), (2, sample), (5, message([(1, 1)])), (4, message([(1, 1)]) + lines)])
    began = time.process_time()
    with pytest.raises(BadProfile, match="more than 4000000 frames"):
        pprof.read(data)
    assert time.process_time() - began < 5


def test_gzip_members_without_an_end_are_read_once_only():
    assert inflated(gzip.compress(b"a") * 3, 3) == b"aaa"
    with pytest.raises(BadProfile, match="more than 2 bytes"):
        inflated(gzip.compress(b"a") * 3, 2)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_profile_or_refused(data):
    for candidate in (data, gzip.compress(data), messages.pprof(SHOP) + data):
        try:
            profile = pprof.read(candidate)
        except BadProfile:
            continue
        assert all(len(sample.values) == len(profile.value_types) for sample in profile.samples)


@given(st.data())
def test_a_profile_with_some_bytes_changed_is_a_profile_or_refused(data):
    body = bytearray(messages.pprof(SHOP))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        profile = pprof.read(bytes(body))
    except BadProfile:
        return
    assert all(sample.stack < len(profile.stacks) for sample in profile.samples)
    assert all(frame < len(profile.frames) for stack in profile.stacks for frame in stack)


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_packed_numbers_are_read_as_written(numbers):
    assert protobuf.Varints().packed(b"".join(map(varint, numbers)), "numbers") == numbers


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), st.integers(0, 2**64 - 1) | st.binary(max_size=200))))
def test_fields_are_read_as_written(fields):
    assert protobuf.fields(message(fields), "a message") == fields


def test_fixed_numbers_are_passed_over():
    assert protobuf.fields(b"\x09" + b"8" * 8 + b"\x15" + b"4444\x08\x01", "a message") == [
        (1, b"8" * 8),
        (2, b"4444"),
        (1, 1),
    ]


@pytest.mark.parametrize(
    ("function", "package"),
    [
        ("main.main", "main"),
        ("net/http.(*conn).serve", "net/http"),
        ("example.com/shop/cart.Total[go.shape.int]", "example.com/shop/cart"),
        ("runtime.mallocgc", "runtime"),
        ("std::vector<int>::push_back(int const&)", ""),
        ("__libc_start_main", ""),
    ],
)
def test_the_package_of_a_go_function_is_its_module(function, package):
    assert pprof.package_of(function) == package
