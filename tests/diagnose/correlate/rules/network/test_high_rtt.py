"""network.high_rtt: a way that got longer, or a queue on it, and what only looks like it."""

import pytest

from diagnose.correlate import engine
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.high_rtt"
DST = {"dst": "10.0.0.9:9000"}


def way(rtt, min_rtt=0.002, window=0.0):
    return {
        "tcp_rtt_median_seconds": [(DST, rtt)],
        "tcp_min_rtt_seconds": [(DST, [min_rtt] * len(rtt))],
        "tcp_busy_seconds_total": [(DST, [10.0] * len(rtt))],
        "tcp_receive_window_limited_seconds_total": [(DST, [10.0 * window] * len(rtt))],
        "tcp_connections": [(DST | {"state": "established"}, [1.0] * len(rtt))],
    }


def test_a_recorded_longer_way_is_told_with_before_and_after():
    verdict = the_verdict(RULE, recorded("farther-away-300ms"))
    assert verdict.subject.destination == "10.99.0.2"
    assert verdict.impact.value > 0.2
    assert any(each.what == "route or queue" for each in verdict.unknown)


def test_a_recorded_queue_names_the_transfer_that_fills_it_and_explains_its_losses():
    samples = recorded("bufferbloat-usual")
    assert "10.99.0.2:7602 fills a queue" in the_verdict(RULE, samples).headline
    judgements = engine.evaluate(samples).judgements
    assert [each.rule for each in judgements if each.explained_by is None] == [RULE]


@pytest.mark.parametrize(
    "name", ["slow-application-usual", "two-small-writes-few", "slow-reader-one", "packet-loss-one"]
)
def test_recorded_lookalikes_are_not_this(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_connections_it_is_unknown():
    assert verdicts(RULE, without(recorded("farther-away-300ms"), "tcp_")) is None


@pytest.mark.parametrize(
    "readings",
    [
        way([0.002, 0.3, 0.002]),  # one late pass
        way([0.040, 0.040, 0.040]),  # delayed acknowledgements
        way([0.2, 0.2, 0.2], window=0.9),  # a reader that lags
        way([0.2, 0.2, 0.2], min_rtt=0.19),  # far away, as ever
        way([0.3], min_rtt=0.002),
    ],
)
def test_one_late_pass_delays_by_the_peer_and_a_distance_are_no_finding(readings):
    assert verdicts(RULE, synthetic(readings, step=10.0)) == []


def test_two_late_passes_are_one():
    assert the_verdict(RULE, synthetic(way([0.002, 0.002, 0.2, 0.25]), step=10.0))
