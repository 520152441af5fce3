"""Who may be sampled next, by what was measured."""

from __future__ import annotations

import time

from collectors.capture import plan
from collectors.capture.choose import Candidate
from collectors.capture.pyspy import Order, Recording
from collectors.capture.roster import Roster
from collectors.processes.identity import Process


class Listed:
    """Stands for the processes of a host."""

    def __init__(self, *services: str) -> None:
        self.candidates = [
            Candidate(Process(pid, "python3", service, "python3.11", 1), 1.0, False)
            for pid, service in enumerate(services, 1)
        ]

    def look(self) -> list[Candidate]:
        return self.candidates


def roster(*services: str, share: float = 0.03) -> Roster:
    return Roster(Listed(*services), share)


def services(found) -> list[str]:
    return [process.service for process, _ in found]


def test_as_many_services_as_the_budget_carries_are_sampled_at_once():
    everyone = roster("a", "b", "c", "d", "e", "f")
    assert services(everyone.next_up(0.0, ())) == ["a", "b", "c", "d"]
    assert services(everyone.next_up(0.0, ("a", "b", "c"))) == ["d"]


def test_who_shares_less_than_a_whole_share_each_is_looked_at_less():
    (_, alone), *_ = roster("a", share=0.025).next_up(0.0, ())
    (_, together), *_ = roster("a", "b", "c", "d", share=0.025).next_up(0.0, ())
    assert together < alone


def test_who_takes_turns_is_said():
    everyone = roster("a", "b", "c", "d", "e")
    everyone.next_up(0.0, ())
    assert everyone.turns(["a", "b"]).startswith(
        "5 services take turns at 4 places, the busiest most often; now: a, b."
    )
    few = roster("a", "b", "c", "d")
    few.next_up(0.0, ())
    assert few.turns(["a"]) == ""


def test_a_service_that_cost_too_much_rests_and_the_others_go_on():
    everyone = roster("a", "b")
    ((dear, _), _) = everyone.next_up(0.0, ())
    everyone.paid(dear, since=0.0, cpu_seconds=0.3)
    assert services(everyone.next_up(20.0, ())) == ["b"]
    assert sorted(services(everyone.next_up(0.3 / plan.SERVICE_SHARE, ()))) == ["a", "b"]


def test_nobody_begins_while_all_together_spent_too_much():
    everyone = roster("a", "b", "c", share=0.0075)
    ((first, hz),) = everyone.next_up(0.0, ())
    everyone.begun(first, hz, 0.0)
    everyone.paid(first, since=0.0, cpu_seconds=0.5)
    assert everyone.next_up(20.0, ()) == []
    assert everyone.next_up(80.0, ()) != []


def test_rounds_that_keep_to_the_plan_follow_one_another_though_choosing_costs_too():
    everyone = roster("a", "b", "c", "d")
    for number in range(4):
        now = number * 21.0
        began = everyone.next_up(now, ())
        assert len(began) == 4
        for process, hz in began:
            everyone.begun(process, hz, now)
        for second in range(20):
            everyone.paid_beside(now + second, 0.001)
        for process, _ in began:
            everyone.paid(process, now, 0.15)


def test_a_process_that_proved_dear_is_looked_at_less_and_a_new_one_is_expected_to_be_alike():
    everyone = roster("a", "b")
    cheap = dict(everyone.next_up(0.0, ()))
    seconds = dict(plan.ROUND)
    for kind in ("cpu", "wall"):
        hz, usual = 20, plan.cost(kind, seconds[kind], 20, 1)
        everyone.learn(Recording(Order(1, kind, seconds[kind], hz), "", 0, 1, 1, 6 * usual))
    dear = dict(everyone.next_up(0.0, ()))
    assert {process.pid for process in cheap} == {1, 2}
    assert all(dear[process] < cheap[process] for process in cheap)


def test_a_process_that_cannot_be_sampled_is_left_alone_longer_each_time():
    everyone = roster("a")
    everyone.next_up(0.0, ())
    everyone.refuse(1, "no")
    assert everyone.all_refused
    now = time.monotonic()
    assert everyone.next_up(now + 1, ()) == []
    assert everyone.next_up(now + 31, ()) != []
    everyone.refuse(1, "no")
    assert everyone.next_up(now + 31, ()) == []
    everyone.welcome(1)
    assert everyone.reasons() == []
    assert everyone.next_up(now + 31, ()) != []
