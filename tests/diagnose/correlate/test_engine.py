"""One top finding for each recorded trouble, none for health that looks like trouble, unknown where data lack."""

import dataclasses

import pytest

from diagnose.correlate import engine
from diagnose.correlate.rule import Impact, Subject, Verdict
from diagnose.correlate.samples import ProbeFailure, Samples
from tests.diagnose.correlate.windows import recorded, until, without

FAULTS = {
    "gil_contention": "python.gil_contention",
    "hot_function": "app.hot_function",
    "small_backlog": "network.accept_queue_overflow",
    "slow_acceptor": "app.acceptor_stalled",
    "fd_leak": "limits.process_fds",
    "fd_leak_at_limit": "limits.process_fds",
}
HEALTH = (
    "quiet",
    "healthy",
    "busy_but_healthy",
    "one_client",
    "batch",
    "idle_connections",
    "burst_with_room",
    "lock_convoy",
    "host_short_of_cpu",  # trouble, but none that these rules know
)


def roots(samples: Samples) -> list[str]:
    judgements = engine.evaluate(samples).judgements
    return [each.rule for each in judgements if each.explained_by is None]


@pytest.mark.parametrize(("window", "rule"), FAULTS.items())
def test_each_fault_gives_one_top_finding_that_names_its_cause(window, rule):
    assert roots(recorded(window)) == [rule]


@pytest.mark.parametrize("window", HEALTH)
def test_health_that_looks_like_trouble_gives_no_finding(window):
    assert engine.evaluate(recorded(window)).judgements == ()


@pytest.mark.parametrize(("window", "rule"), FAULTS.items())
def test_a_fault_is_found_within_a_minute_and_never_as_another(window, rule):
    samples = recorded(window)
    for seconds in (20, 30, 40, 50):
        assert roots(until(samples, seconds)) in ([], [rule])
    if window != "fd_leak":  # a forecast waits until half the limit is used
        assert roots(until(samples, 60)) == [rule]


@pytest.mark.parametrize(("window", "rule"), FAULTS.items())
def test_confidence_is_high_where_all_evidence_was_gathered(window, rule):
    (judgement,) = (j for j in engine.evaluate(recorded(window)).judgements if j.rule == rule)
    assert judgement.confidence >= 0.85
    assert not judgement.calibrated


def test_rules_without_their_readings_are_unknown_and_say_what_lacks():
    samples = dataclasses.replace(
        without(recorded("small_backlog"), "listener_"),
        failures=(ProbeFailure("listeners", "netlink: Operation not permitted"),),
    )
    evaluation = engine.evaluate(samples)
    unknown = {each.what: each.why for each in evaluation.unknown}
    assert "network.accept_queue_overflow" not in [each.rule for each in evaluation.judgements]
    assert "listener_accept_queue_length" in unknown["network.accept_queue_overflow"]
    assert "Operation not permitted" in unknown["network.accept_queue_overflow"]


def test_an_empty_window_makes_every_rule_unknown():
    evaluation = engine.evaluate(Samples("nobody", 0, 1, {}))
    assert evaluation.judgements == ()
    assert [each.what for each in evaluation.unknown] == [rule.id for rule in engine.all_rules()]


def judgement(rule: str, explains: tuple[str, ...], **subject: object) -> engine.Judgement:
    verdict = Verdict(Subject(**subject), rule, Impact(0.5, 1, "1", ""), (), explains=explains)
    return engine.Judgement(rule, verdict, 0.9, False)


def test_a_symptom_is_folded_under_its_nearest_cause():
    folded = engine.fold(
        [
            judgement("queue", (), service="shop", listener=":80"),
            judgement("gil", ("acceptor", "queue"), service="shop"),
            judgement("acceptor", ("queue",), service="shop", listener=":80"),
        ]
    )
    assert [each.explained_by for each in folded] == [2, None, 1]


def test_trouble_of_another_service_explains_nothing():
    folded = engine.fold(
        [judgement("queue", (), service="blog", pid=2), judgement("gil", ("queue",), service="shop", pid=1)]
    )
    assert [each.explained_by for each in folded] == [None, None]


def test_two_instances_under_one_name_have_their_own_causes():
    pair = [
        judgement("queue", (), service="shop", pid=2, listener=":81"),
        judgement("gil", ("queue",), service="shop", pid=1),
    ]
    assert engine.fold(pair, frozenset({1, 2}))[0].explained_by is None
    assert engine.fold(pair, frozenset({2}))[0].explained_by == 1  # a worker behind its parent's listener
