"""Every duration falls into the bucket whose bounds hold it, and neighbours meet."""

from __future__ import annotations

import itertools
import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import histograms
from collectors.wire import HistogramScheme

SCHEMES = get_args(HistogramScheme)


@given(scheme=st.sampled_from(SCHEMES), nanoseconds=st.integers(1_000, 2**28 * 1_000 - 1))
def test_a_duration_lies_within_the_bounds_of_its_bucket(scheme, nanoseconds):
    low, high = histograms.bounds(scheme, histograms.bucket_of(scheme, nanoseconds / 1e9))
    assert round(low * 1e9, 3) <= nanoseconds < high * 1e9 + 1e-3
    assert (high - low) / low <= 1 / histograms.STEPS[scheme] + 1e-9


@pytest.mark.parametrize("scheme", SCHEMES)
def test_buckets_meet_and_grow(scheme):
    bounds = [histograms.bounds(scheme, bucket) for bucket in range(histograms.bucket_count(scheme))]
    for (_, high), (low, _) in itertools.pairwise(bounds):
        assert math.isclose(high, low)
    assert math.isclose(bounds[0][0], 1e-6)
    assert math.isclose(bounds[-1][1], 2**28 * 1e-6)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_too_short_or_too_long_falls_into_the_first_or_last_bucket(scheme):
    assert histograms.bucket_of(scheme, 0) == histograms.bucket_of(scheme, 9e-7) == 0
    assert histograms.bucket_of(scheme, 1e6) == histograms.bucket_count(scheme) - 1


def test_a_bucket_that_does_not_exist_has_no_bounds():
    with pytest.raises(IndexError, match="bucket 112 of loglin4: it has 0 to 111"):
        histograms.bounds("loglin4", 112)
