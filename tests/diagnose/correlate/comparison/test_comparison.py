"""Two sides compared: load explains nothing, the interval holds, and too little data is said to be too little."""

import numpy as np
import pytest

from diagnose.correlate.comparison import matching
from diagnose.correlate.comparison.estimates import estimates, t_quantile
from diagnose.correlate.comparison.outcome import Presence, outcome
from diagnose.correlate.comparison.side import Latency, Measure, Ratio, Side

P99 = Measure("p99", "latency p99", "s", quantile=0.99)
ERRORS = Measure("errors", "errors", "ratio", least=0.1)
DROPS = Measure("drops", "drops", "1/s", own=True, least=0.3)
EDGES = np.geomspace(1e-4, 10, 400)


def side(tiles=60, load=500.0, scale=0.02, errors=0.01, drops=0.0, seed=1):
    """Independent tiles of ten seconds with exponential service times."""
    draw = np.random.default_rng(seed)
    loads = draw.poisson(load * 10, tiles) / 10.0
    counts = np.array(
        [np.histogram(draw.exponential(scale, int(10 * each)), EDGES)[0] for each in loads], np.float64
    )
    requests = loads * 10
    return Side(
        10.0,
        loads,
        {
            "errors": Ratio(draw.binomial(requests.astype(int), errors).astype(float), requests),
            "drops": Ratio(draw.poisson(drops * 10, tiles).astype(float), np.full(tiles, 10.0)),
        },
        Latency(counts, EDGES),
    )


def compared(before, after, *measures):
    return {each.measure.name: each for each in estimates(before, after, measures)}


def test_a_tenth_off_the_99th_percentile_is_seen_in_five_minutes():
    found = compared(side(), side(30, scale=0.018, seed=2), P99, ERRORS)
    assert found["p99"].better
    assert -0.15 < found["p99"].relative < -0.05
    assert not found["errors"].better
    assert not found["errors"].worse


def test_no_change_is_no_effect_and_says_what_would_have_been_seen():
    before, after = side(), side(30, seed=2)
    result = outcome(estimates(before, after, (P99, ERRORS)), after)
    assert result.verdict == "no effect"
    assert "would have been seen" in result.reason


def test_more_errors_are_worse_whatever_else_became_better():
    before, after = side(), side(30, scale=0.01, errors=0.05, seed=2)
    result = outcome(estimates(before, after, (P99, ERRORS)), after)
    assert (result.verdict, result.reason) == ("worse", "errors became worse at the same load")


def test_another_load_is_not_compared():
    before, after = side(load=500), side(30, load=250, scale=0.01, seed=2)
    assert estimates(before, after, (P99, ERRORS)) == ()
    result = outcome((), after)
    assert result.verdict == "not enough data"


def test_fewer_drops_at_less_load_prove_nothing_at_more_load_they_do():
    before = side(load=500, drops=5.0)
    less, more = side(30, load=250, seed=2), side(30, load=700, seed=3)
    assert estimates(before, less, (DROPS,)) == ()
    assert compared(before, more, DROPS)["drops"].better


def test_drops_that_came_only_with_high_load_are_not_gone_at_low_load():
    low, high = side(30, load=200), side(30, load=600, drops=10.0, seed=2)
    before = Side(
        10.0,
        np.concatenate([low.load, high.load]),
        {
            "drops": Ratio(
                np.concatenate([low.ratios["drops"].numerators, high.ratios["drops"].numerators]),
                np.full(60, 10.0),
            )
        },
    )
    after = side(30, load=300, seed=3)
    found = compared(before, after, DROPS)
    assert found["drops"].before == 0
    assert not found["drops"].better


def test_a_mix_of_loads_is_weighed_to_be_alike():
    loads = np.array([100.0] * 30 + [200.0] * 10)
    weights = matching.same_load(loads, np.array([100.0] * 10 + [200.0] * 30 + [900.0] * 5))
    assert weights.before[:30].sum() == pytest.approx(10)
    assert weights.before[30:].sum() == pytest.approx(30)
    assert weights.after.tolist() == [1.0] * 40 + [0.0] * 5


def test_a_minute_is_not_enough_and_the_rest_is_told():
    after = side(6, seed=2)
    result = outcome(estimates(side(), after, (P99,)), after)
    assert result.verdict == "not enough data"
    assert result.wait_seconds == pytest.approx(180)


def test_a_wide_interval_asks_for_more_time():
    before, after = side(40, load=1, errors=0.02), side(40, load=1, errors=0.02, seed=2)
    result = outcome(estimates(before, after, (ERRORS,)), after)
    assert result.verdict == "not enough data"
    assert result.wait_seconds > 400


def presence(seen=False, absent=200.0, needed=180.0):
    return Presence(seen, absent, needed)


def test_a_finding_that_is_gone_for_long_enough_is_improved():
    before, after = side(drops=5.0), side(30, seed=2)
    result = outcome(estimates(before, after, (DROPS, P99)), after, presence(), 300.0)
    assert result.verdict == "improved"
    assert "drops fell" in result.reason


def test_a_finding_that_is_still_seen_after_a_while_is_no_effect():
    after = side(30)
    assert outcome((), after, presence(seen=True), 300.0).verdict == "no effect"


def test_a_finding_that_pauses_as_it_did_before_is_not_gone():
    after = side(30)
    result = outcome((), after, presence(absent=200.0, needed=900.0), 300.0)
    assert (result.verdict, result.wait_seconds) == ("not enough data", 700.0)


def test_a_finding_that_is_gone_with_its_load_waits_for_the_load():
    after = side(30)
    result = outcome((), after, presence(), 20.0)
    assert result.verdict == "not enough data"
    assert "load" in result.reason


@pytest.mark.parametrize(
    ("share", "freedom", "exact"), [(0.975, 3, 3.1824), (0.975, 10, 2.2281), (0.995, 8, 3.3554)]
)
def test_quantiles_of_students_t_are_those_of_the_tables(share, freedom, exact):
    assert t_quantile(share, freedom) == pytest.approx(exact, rel=0.02)


def test_the_interval_covers_no_difference_in_about_nineteen_of_twenty():
    covered = 0
    for seed in range(30):
        found = compared(side(60, seed=1000 + seed), side(30, seed=5000 + seed), P99)["p99"]
        covered += found.low <= 0 <= found.high
    assert covered >= 25
