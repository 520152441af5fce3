"""Sample times read back as they were written, or say that they are damaged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.store.blob import CorruptBlob
from diagnose.store.offsetblob import decode_offsets, encode_offsets
from diagnose.store.rows import Offsets

SAMPLES = st.dictionaries(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), st.integers(0, 2**53), max_size=100
)


def of(samples: dict[tuple[int, int], int]) -> Offsets:
    keys = sorted(samples)
    return Offsets(
        np.array([key[0] for key in keys], np.uint32),
        np.array([key[1] for key in keys], np.uint32),
        np.array([samples[key] for key in keys], np.int64),
    )


@settings(deadline=None)
@given(SAMPLES)
def test_sample_times_read_back_as_they_were_written(samples):
    written = of(samples)
    read = decode_offsets(encode_offsets(written))
    assert read.stack_ids.tolist() == written.stack_ids.tolist()
    assert read.offsets_ms.tolist() == written.offsets_ms.tolist()
    assert read.counts.tolist() == written.counts.tolist()


def test_a_profile_of_ten_seconds_takes_a_few_bytes_a_sample():
    chance = np.random.default_rng(1)
    samples = {(int(stack), 10 * tick): 1 for tick, stack in enumerate(chance.geometric(0.02, 1_000))}
    assert len(encode_offsets(of(samples))) < 3_000


@pytest.mark.parametrize("position", [0, 1, 5, 20, -1])
def test_damaged_sample_times_say_so(position):
    damaged = bytearray(encode_offsets(of({(stack, stack * 7): 1 for stack in range(300)})))
    damaged[position] ^= 0xFF
    with pytest.raises(CorruptBlob):
        decode_offsets(bytes(damaged))
