"""Who is sampled next."""

from __future__ import annotations

from collections import Counter

from collectors.capture.choose import Candidate
from collectors.capture.turns import in_turn
from collectors.processes.identity import Process


def candidate(pid: int, cpu_share: float = 0.0, listens: bool = False, service: str = "") -> Candidate:
    return Candidate(
        Process(pid, "python3", service or f"service-{pid}", "python3.11", 1), cpu_share, listens
    )


def pids(found) -> list[int]:
    return [each.process.pid for each in found]


def test_what_uses_cpu_comes_first_and_an_idle_listener_before_other_idle_ones():
    assert pids(in_turn([candidate(1), candidate(2, listens=True), candidate(3, 0.9)], {}, ())) == [3, 2, 1]


def test_each_service_stands_for_one_process_and_the_one_that_waited_longest_among_equals():
    workers = [candidate(pid, 0.5, service="web") for pid in (1, 2, 3)]
    assert pids(in_turn([*workers, candidate(4, 0.3)], {2: 60.0, 4: 60.0}, ())) == [2, 4]


def test_a_service_that_is_sampled_now_is_not_chosen_again():
    workers = [candidate(pid, 0.5, service="web") for pid in (1, 2)]
    assert pids(in_turn([*workers, candidate(4, 0.3)], {}, {"web"})) == [4]


def test_the_busy_are_sampled_often_and_nobody_never():
    everyone = [candidate(1, 1.0), candidate(2, 0.4), *(candidate(pid) for pid in range(3, 13))]
    waited = dict.fromkeys(range(1, 13), 0.0)
    rounds: Counter[int] = Counter()
    for _ in range(400):
        chosen = pids(in_turn(everyone, waited, ()))[:2]
        rounds.update(chosen)
        waited = {pid: 0.0 if pid in chosen else seconds + 20 for pid, seconds in waited.items()}
    assert rounds[1] > 1.2 * rounds[2]
    assert rounds[2] > 3 * rounds[3]
    assert min(rounds.values()) >= 5
    assert len(rounds) == 12
