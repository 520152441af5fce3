"""Points come back from their blobs bit by bit, many at a time, and a damaged one costs none of the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.store import pointblob
from diagnose.store.blob import CorruptBlob, compress, decompress

floats = st.floats(width=64, allow_nan=True, allow_infinity=True)
decimals = st.one_of(
    st.integers(-(2**53), 2**53).map(float),
    st.integers(-(10**9), 10**9).map(lambda n: n / 100),
    st.integers(0, 10**12).map(lambda n: n / 10**6),
)
times = st.lists(st.integers(0, 1 << 42), max_size=40).map(lambda drawn: np.array(sorted(drawn), np.int64))


def encoded(values: np.ndarray) -> bytes:
    return pointblob.encode_values(values[None])[0]


def bits(values: np.ndarray) -> bytes:
    return values.astype(np.float64).tobytes()


@given(st.lists(st.one_of(st.lists(floats, max_size=30), st.lists(decimals, max_size=30)), max_size=6))
def test_values_come_back_bit_by_bit_whatever_lies_beside_them(many):
    columns = [np.array(each, np.float64) for each in many]
    found = pointblob.decode_values([encoded(each) for each in columns])
    assert [bits(each) for each in found] == [bits(each) for each in columns]


@given(st.lists(times, max_size=6))
def test_times_come_back_repeated_ones_too(many):
    found = pointblob.decode_times([pointblob.encode_times(each) for each in many])
    assert [each.tolist() for each in found] == [each.tolist() for each in many]


@given(st.lists(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 1 << 42), floats)), max_size=5))
def test_hot_rows_come_back_in_the_order_they_were_given(many):
    rows = [
        (
            np.array([one[0] for one in each], np.uint32),
            np.array([one[1] for one in each], np.int64),
            np.array([one[2] for one in each], np.float64),
        )
        for each in many
    ]
    found = pointblob.decode_points([pointblob.encode_points(*each) for each in rows])
    for (series, moments, values), expected in zip(found, rows, strict=True):
        assert series.tolist() == expected[0].tolist()
        assert moments.tolist() == expected[1].tolist()
        assert bits(values) == bits(expected[2])


def test_counters_at_the_top_of_64_bits_and_extreme_floats_are_kept():
    extremes = np.array([2.0**63, 2.0**64, -(2.0**63), 1.7e308, 5e-324, 0.0, -0.0])
    assert bits(pointblob.decode_values([encoded(extremes)])[0]) == bits(extremes)


def test_a_decimal_takes_fewer_bytes_than_a_float():
    steps = np.arange(360) % 7 * 0.25
    assert len(encoded(steps)) < 60
    assert len(encoded(np.random.default_rng(1).random(360))) > 2_000


@given(st.integers(1, 200), st.integers(1, 255))
def test_a_flipped_byte_is_told_in_its_place_and_costs_none_of_the_others(place, flip):
    whole = encoded(np.arange(100) ** 2.0)
    broken = bytearray(whole)
    broken[max(1, place % len(broken))] ^= flip
    first, second, third = pointblob.decode_values([whole, bytes(broken), whole])
    assert first.tolist() == third.tolist() == (np.arange(100) ** 2.0).tolist()
    # What is flipped in the frame's header may leave the content as it was; never may it come out otherwise.
    assert isinstance(second, CorruptBlob) or second.shape != (100,) or second.tolist() == first.tolist()


@pytest.mark.parametrize("decode", [pointblob.decode_points, pointblob.decode_times, pointblob.decode_values])
@pytest.mark.parametrize(
    "blob", [b"", b"\x01", b"\x63" + compress(1, b"x")[1:], compress(1, b"x" * 21), compress(2, b"x" * 9),
             compress(3, b"x" * 9), compress(4, b"\x00\x03abc"), compress(5, b"\x00")]
)  # fmt: skip
def test_what_is_no_such_blob_is_told(decode, blob):
    (found,) = decode([blob])
    assert isinstance(found, CorruptBlob)
    assert str(found)


def test_each_blob_says_its_format_version():
    one = np.array([1.0])
    blobs = [
        pointblob.encode_points(np.array([1], np.uint32), np.array([5]), one),
        pointblob.encode_times(np.array([5])),
        encoded(one / 3),
        encoded(one),
    ]
    assert [decompress(blob)[0] for blob in blobs] == [1, 2, 3, 4]
