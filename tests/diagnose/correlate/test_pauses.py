"""How much of bad moments pauses explain, and that what only happens beside them explains nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose.correlate.pauses import drops, explained, paused, spikes

BINS = 180


def quiet(seed: int, level: float = 0.01) -> np.ndarray:
    return level * np.random.default_rng(seed).lognormal(0, 0.1, BINS)


def pauses_at(places, seconds=0.4) -> np.ndarray:
    found = np.zeros(BINS)
    found[list(places)] = seconds
    return found


EVERY_20 = range(5, BINS, 20)


def test_spikes_in_the_bins_of_pauses_are_explained_by_them():
    latency = quiet(1) + np.roll(pauses_at(EVERY_20), 1)
    found = explained(spikes(latency), paused(pauses_at(EVERY_20)))
    assert found.share > 0.9
    assert found.low > 0.8
    assert (found.bad, found.both) == (9, 9)


def test_a_reading_that_is_stamped_an_interval_late_still_meets_its_spike():
    latency = quiet(1) + pauses_at(EVERY_20)
    assert explained(spikes(latency), paused(np.roll(pauses_at(EVERY_20), 1))).share > 0.9
    assert explained(spikes(latency), paused(np.roll(pauses_at(EVERY_20), 5))) is None


def test_other_spikes_beside_them_lower_the_share():
    latency = quiet(2) + pauses_at(EVERY_20, 0.3) + pauses_at(range(14, BINS, 20), 0.3)
    found = explained(spikes(latency), paused(pauses_at(EVERY_20)))
    assert found.share == pytest.approx(0.5, abs=0.12)
    assert found.low < 0.5 < found.high


def test_work_that_is_missing_in_them_is_explained_too():
    work = 1000 * np.random.default_rng(3).normal(1, 0.02, BINS) - pauses_at(EVERY_20, 900)
    assert explained(drops(work), paused(pauses_at(EVERY_20))).share > 0.9


def test_what_only_happens_beside_pauses_is_not_explained():
    told = 0
    for seed in range(100):
        chance = np.random.default_rng(seed)
        latency = quiet(seed) + pauses_at(chance.choice(BINS, 9, replace=False))
        told += (
            explained(spikes(latency), paused(pauses_at(chance.choice(BINS, 9, replace=False)))) is not None
        )
    assert told <= 10


@pytest.mark.parametrize(
    ("latency", "pauses"),
    [
        (quiet(4), pauses_at(EVERY_20)),
        (quiet(4) + pauses_at(EVERY_20), np.zeros(BINS)),
        (quiet(4) + pauses_at(EVERY_20), np.ones(BINS)),
        (quiet(4)[:20], pauses_at(EVERY_20)[:20]),
        (np.full(BINS, np.nan), pauses_at(EVERY_20)),
    ],
    ids=["no spikes", "no pauses", "always pausing", "a moment", "not measured"],
)
def test_too_little_of_either_tells_nothing(latency, pauses):
    assert explained(spikes(latency), paused(pauses)) is None


def test_bins_without_requests_are_neither_bad_nor_in_the_way():
    latency = quiet(5) + pauses_at(EVERY_20)
    latency[::7] = np.nan
    assert explained(spikes(latency), paused(pauses_at(EVERY_20))).share > 0.7


@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_units_change_nothing(one, other):
    latency, pauses = quiet(6) + pauses_at(EVERY_20), pauses_at(EVERY_20)
    found, scaled = (
        explained(spikes(latency * a), paused(pauses * b)) for a, b in ((1.0, 1.0), (one, other))
    )
    assert (scaled.bad, scaled.both) == (found.bad, found.both)
    assert scaled.share == pytest.approx(found.share)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=40, max_size=60), st.integers(0, 99))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_readings_however_wild_raise(values, seed):
    with np.errstate(all="ignore"):
        found = explained(
            spikes(np.array(values)), paused(np.random.default_rng(seed).exponential(1, len(values)))
        )
    assert found is None or 0 <= found.low <= found.share <= found.high <= 1
