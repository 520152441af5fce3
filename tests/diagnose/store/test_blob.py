"""What is written to disk reads back the same, and what was damaged says so."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.store import blob, sums

COUNTS = st.dictionaries(st.integers(0, 2**32 - 1), st.integers(0, 2**53), max_size=400)


@given(COUNTS)
def test_a_profile_reads_back_as_it_was_written(counts):
    ids = np.array(sorted(counts), np.uint32)
    values = np.array([counts[one] for one in sorted(counts)], np.int64)
    back_ids, back_values = blob.decode_counts(blob.encode_counts(ids, values))
    assert back_ids.tolist() == ids.tolist()
    assert back_values.tolist() == values.tolist()


@given(st.lists(st.dictionaries(st.integers(0, 2**32 - 1), st.integers(0, 2**34), max_size=5), max_size=12))
def test_profiles_that_are_written_together_are_written_as_each_alone(profiles):
    columns = [
        (np.array(sorted(each), np.uint32), np.array([each[one] for one in sorted(each)], np.int64))
        for each in profiles
    ]
    assert blob.encode_many(columns) == [blob.encode_counts(*one) for one in columns]


@pytest.mark.parametrize("position", [0, 1, 5, 20, -1])
def test_a_damaged_blob_says_so_instead_of_giving_other_counts(position):
    good = blob.encode_counts(np.arange(0, 900, 3, dtype=np.uint32), np.arange(300, dtype=np.int64))
    bad = bytearray(good)
    bad[position] ^= 0xFF
    with pytest.raises(blob.CorruptBlob):
        blob.decode_counts(bytes(bad))


def test_a_blob_that_was_cut_off_says_so():
    good = blob.encode_counts(np.arange(300, dtype=np.uint32), np.arange(300, dtype=np.int64))
    for length in (0, 1, 2, len(good) // 2, len(good) - 1):
        with pytest.raises(blob.CorruptBlob):
            blob.decode_counts(good[:length])


@given(st.lists(st.tuples(COUNTS, st.integers(1, 3), st.booleans()), max_size=6))
def test_a_sum_of_blobs_equals_the_naive_sum_of_what_is_readable(profiles):
    parts, expected, corrupt = [], Counter(), 0
    for counts, period, damaged in profiles:
        ids = np.array(sorted(counts), np.uint32) % 50_000
        ids, values = blob.summed(ids, np.array([counts[one] % 2**40 for one in sorted(counts)], np.int64))
        encoded = blob.encode_counts(ids, values)
        damaged = damaged and len(values) > 0  # of an empty profile nothing can be lost
        parts.append(sums.Part(encoded[:-3] if damaged else encoded, period))
        corrupt += damaged
        if not damaged:
            expected.update({one: n * period for one, n in zip(ids.tolist(), values.tolist(), strict=True)})
    total = sums.add_up(parts)
    weights = total.counts * total.period_ns
    assert dict(zip(total.stack_ids.tolist(), weights.tolist(), strict=True)) == dict(expected)
    assert total.corrupt == corrupt


def test_summing_is_the_same_in_any_order_and_grouping():
    chance = np.random.default_rng(1)
    parts = [
        sums.Part(blob.encode_counts(ids, np.arange(1, len(ids) + 1)), 10_000_000)
        for ids in (np.unique(chance.integers(0, 500, 200)).astype(np.uint32) for _ in range(6))
    ]
    whole = sums.add_up(parts)
    halves = [sums.add_up(chosen) for chosen in (parts[5:1:-1], parts[:2])]
    again = sums.add_up(
        [
            sums.Part(blob.encode_counts(one.stack_ids, one.counts), one.period_ns, one.samples)
            for one in halves
        ]
    )
    assert again.stack_ids.tolist() == whole.stack_ids.tolist()
    assert again.counts.tolist() == whole.counts.tolist()
    assert again.samples == whole.samples
