"""Hosts that wait to be evaluated, in a real Valkey."""

import pytest

from diagnose import evaluations


@pytest.fixture
def sent(valkey, monkeypatch):
    """The countdowns of the tasks that were sent."""
    found: list[float] = []
    monkeypatch.setattr(evaluations.app, "send_task", lambda name, args, countdown: found.append(countdown))
    return found


@pytest.fixture
def clock(monkeypatch):
    now = [1_000_000.0]
    monkeypatch.setattr(evaluations.time, "time", lambda: now[0])
    return now


def test_a_host_is_due_once_its_batches_have_arrived(sent, clock):
    evaluations.ask([7])
    assert evaluations.take() == []
    clock[0] += evaluations.DELAY_SECONDS
    assert evaluations.take() == [7]
    assert evaluations.take() == []
    assert not evaluations.waiting()


def test_data_that_keeps_coming_does_not_put_an_evaluation_off(sent, clock):
    for _ in range(4):
        evaluations.ask([7])
        clock[0] += 0.5
    assert evaluations.take() == [7]


def test_a_host_is_evaluated_at_most_every_few_seconds(sent, clock):
    evaluations.ask([7])
    clock[0] += evaluations.DELAY_SECONDS
    assert evaluations.take() == [7]
    evaluations.ask([7])
    clock[0] += evaluations.DELAY_SECONDS
    assert evaluations.take() == []
    clock[0] += evaluations.EVERY_SECONDS
    assert evaluations.take() == [7]


def test_hosts_that_fall_due_together_need_one_task(sent, clock):
    for host in range(100):
        evaluations.ask([host])
    assert sent == [evaluations.DELAY_SECONDS]
    clock[0] += evaluations.DELAY_SECONDS
    taken = [host for _ in range(20) for host in evaluations.take()]
    assert sorted(taken) == list(range(100))


def test_a_clock_that_was_set_back_delays_nobody_for_long(sent, clock):
    evaluations.ask([7])
    clock[0] += evaluations.DELAY_SECONDS
    assert evaluations.take() == [7]
    clock[0] -= 3_600
    evaluations.ask([7])
    clock[0] += evaluations.EVERY_SECONDS
    assert evaluations.take() == [7]
