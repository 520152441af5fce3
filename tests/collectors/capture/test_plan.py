"""How often a process is looked at within a share of CPU."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collectors.capture.plan import (
    GIL_HZ,
    MAX_HZ,
    MIN_HZ,
    ROUND,
    ROUND_SECONDS,
    SERVICE_SHARE,
    cost,
    learned,
    places,
    rate,
)


def of_a_round(factors, hz: int, threads: int) -> float:
    return sum(
        factors.get(kind, 1.0) * cost(kind, seconds, GIL_HZ if kind == "gil" else hz, threads)
        for kind, seconds in ROUND
    )


def test_what_is_cheap_gets_the_highest_rate_and_no_more():
    assert rate({}, 1, 0.05) == MAX_HZ


def test_what_is_dear_to_sample_is_sampled_less():
    assert rate({"cpu": 2.5, "wall": 2.5}, 1, SERVICE_SHARE) < rate({}, 1, SERVICE_SHARE)
    assert rate({}, 1, SERVICE_SHARE) > rate({}, 8, SERVICE_SHARE) > rate({}, 51, SERVICE_SHARE)


def test_what_no_rate_can_pay_for_still_gets_the_lowest():
    assert rate({"cpu": 100.0}, 1, SERVICE_SHARE) == MIN_HZ


def test_four_services_are_sampled_at_once_on_the_default_budget_and_one_on_any():
    assert [places(share) for share in (0.03, 0.025, 0.015, 0.0001)] == [4, 4, 2, 1]


def test_the_learned_cost_follows_what_is_measured():
    factor = 1.0
    for _ in range(8):
        factor = learned(factor, 0.05, 3 * 0.05)
    assert 2.9 < factor < 3.0


@given(factor=st.floats(0.1, 50), share=st.floats(0.0001, 0.2), threads=st.integers(1, 600))
def test_a_round_stays_within_its_share_or_at_the_lowest_rate(factor, share, threads):
    factors = {kind: factor for kind, _ in ROUND}
    hz = rate(factors, threads, share)
    assert hz == MIN_HZ or of_a_round(factors, hz, threads) <= share * ROUND_SECONDS * (1 + 1e-9)
