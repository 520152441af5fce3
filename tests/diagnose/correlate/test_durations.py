"""Histograms taken together: of several series and of time, and empty ones."""

import pytest

from diagnose.correlate.durations import Durations
from tests.diagnose.correlate.windows import synthetic

WAIT = "dns_seconds"


def histograms(*groups):
    return synthetic(
        {"load1": [({}, [0.0] * 3)]},
        step=10.0,
        durations={WAIT: [({"dst": str(at)}, steps) for at, steps in enumerate(groups)]},
    ).histograms_of(WAIT)


def test_series_and_times_count_together():
    found = Durations.of(histograms([[0.001] * 50, [0.001] * 30], [[0.1] * 20]))
    assert found.count == 100
    assert found.sum_seconds == pytest.approx(2.08)
    assert found.quantile(0.5) == pytest.approx(0.001, rel=0.1)
    assert found.quantile(0.95) == pytest.approx(0.1, rel=0.1)
    assert found.mean == pytest.approx(0.0208)
    assert found.longer_than(0.05) == 20


def test_of_nothing_no_quantile_is_known():
    found = Durations.of([])
    assert (found.count, found.mean, found.quantile(0.5), found.longer_than(0.0)) == (0, None, None, 0)
    assert Durations.of(histograms([[], []])).quantile(0.99) is None


def test_a_part_of_the_time_is_told_by_itself():
    (whole,) = histograms([[0.001] * 5, [0.2] * 5, [0.4] * 5])
    second, third = whole.times_ns[1:].tolist()
    assert Durations.of([whole.between(second, third)]).quantile(0.5) == pytest.approx(0.2, rel=0.1)
    assert Durations.of([whole.between(third + 1, third + 2)]).count == 0
