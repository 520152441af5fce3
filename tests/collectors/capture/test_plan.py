"""Who is sampled how often within a share of CPU."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collectors.capture.choose import Candidate
from collectors.capture.plan import (
    MAX_HZ,
    MAX_PROCESSES,
    MIN_HZ,
    ROUND,
    ROUND_SECONDS,
    USEFUL_HZ,
    cost,
    learned,
    plan,
)
from collectors.identity import Process


def candidate(pid: int, cpu_share: float = 0.0, listens: bool = False, service: str = "") -> Candidate:
    return Candidate(
        Process(pid, "python3", service or f"service-{pid}", "python3.11", 1), cpu_share, listens
    )


def pids(targets) -> list[int]:
    return [target.candidate.process.pid for target in targets]


def test_what_uses_cpu_comes_first_and_an_idle_listener_before_other_idle_ones():
    everyone = [candidate(1), candidate(2, listens=True), candidate(3, 0.9)]
    assert pids(plan(everyone, {}, {}, 0.1)) == [3, 2, 1]


def test_a_process_alone_gets_the_highest_rate_and_no_more():
    assert [target.hz for target in plan([candidate(1, 1.0)], {}, {}, 0.5)] == [MAX_HZ]


def test_those_who_do_not_fit_are_left_out_rather_than_all_be_slow():
    everyone = [candidate(pid, 1 / pid) for pid in range(1, 6)]
    targets = plan(everyone, {}, {}, 0.013)
    assert pids(targets) == [1, 2]
    assert all(target.hz >= USEFUL_HZ for target in targets)


def test_on_a_tiny_budget_the_first_is_still_sampled_slowly():
    targets = plan([candidate(1, 1.0), candidate(2, 0.5)], {}, {}, 0.0001)
    assert [(target.candidate.process.pid, target.hz) for target in targets] == [(1, MIN_HZ)]


def test_what_is_dear_to_sample_is_sampled_less():
    cheap = plan([candidate(1, 1.0)], {1: 1.0}, {}, 0.01)
    dear = plan([candidate(1, 1.0)], {1: 2.0}, {}, 0.01)
    assert dear[0].hz < cheap[0].hz


def test_a_new_process_is_expected_to_cost_as_much_as_the_others_did():
    everyone = [candidate(1, 1.0), candidate(2, 0.5)]
    assert pids(plan(everyone, {1: 0.5}, {}, 0.008)) == [1, 2]
    assert pids(plan(everyone, {1: 1.0}, {}, 0.008)) == [1]


def test_the_second_place_goes_to_who_waited_longest_and_the_best_stays():
    everyone = [candidate(1, 0.9), candidate(2, 0.8), candidate(3), candidate(4)]
    assert pids(plan(everyone, {}, {3: 50, 4: 55}, 0.013)) == [1, 2]
    assert pids(plan(everyone, {}, {3: 70, 4: 300}, 0.013)) == [1, 4]
    assert pids(plan(everyone, {}, {1: 900, 3: 70}, 0.013)) == [1, 3]


def test_one_worker_of_each_service_comes_before_its_brothers():
    everyone = [candidate(1, 0.5, service="web"), candidate(2, 0.5, service="web"), candidate(3, 0.3)]
    assert pids(plan(everyone, {}, {}, 0.1)) == [1, 3, 2]


def test_the_learned_cost_follows_what_is_measured():
    factor = 1.0
    for _ in range(8):
        factor = learned(factor, 8, 10, 3 * cost(8, 10))
    assert 2.9 < factor < 3.0


@given(
    shares=st.lists(st.floats(0, 8), max_size=12),
    factor=st.floats(0.1, 20),
    budget=st.floats(0.0001, 0.2),
)
def test_a_plan_stays_within_its_budget(shares, factor, budget):
    everyone = [candidate(pid, share) for pid, share in enumerate(shares)]
    targets = plan(everyone, {candidate.process.pid: factor for candidate in everyone}, {}, budget)
    assert len(targets) <= MAX_PROCESSES
    assert bool(targets) == bool(everyone)
    spent = sum(factor * cost(seconds, target.hz) for target in targets for _, seconds in ROUND)
    one_at_the_least = factor * sum(cost(seconds, MIN_HZ) for _, seconds in ROUND)
    assert spent <= max(budget * ROUND_SECONDS, one_at_the_least) * (1 + 1e-9)
