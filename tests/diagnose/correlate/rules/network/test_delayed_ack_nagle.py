"""network.delayed_ack_nagle: two segments for each answer, and something unacknowledged all the time."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.delayed_ack_nagle"
DST = {"dst": "10.0.0.9:9000"}


def exchange(sent=500.0, received=250.0, busy=10.0, min_rtt=0.0002):
    return {
        "tcp_active_connections": [(DST, [1.0] * 4)],
        "tcp_busy_seconds_total": [(DST, [busy] * 4)],
        "tcp_sent_segments_total": [(DST, [sent] * 4)],
        "tcp_received_segments_total": [(DST, [received] * 4)],
        "tcp_min_rtt_seconds": [(DST, [min_rtt] * 4)],
        "netstat_TcpExt_DelayedACKs": [({}, [250.0] * 4)],
    }


@pytest.mark.parametrize("name", ["few", "many"])
def test_recorded_messages_in_two_writes_lose_40_ms_each(name):
    verdict = the_verdict(RULE, recorded(f"two-small-writes-{name}"))
    assert verdict.subject.destination == "127.0.0.1:7701"
    assert 0.035 <= verdict.impact.value <= 0.06
    assert "TCP_NODELAY" in verdict.recommendations[0].change.what


@pytest.mark.parametrize(
    "name", ["handler-of-40-ms-usual", "kept-alive-usual", "slow-reader-one", "farther-away-300ms"]
)
def test_recorded_lookalikes_are_not_this(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_connections_it_is_unknown():
    assert verdicts(RULE, without(recorded("two-small-writes-few"), "tcp_")) is None


def test_an_exchange_of_40_ms_on_a_short_path_is_one():
    assert the_verdict(RULE, synthetic(exchange(), step=10.0)).subject.destination == DST["dst"]


@pytest.mark.parametrize(
    "more", [{"received": 500.0}, {"busy": 1.0}, {"min_rtt": 0.015}, {"sent": 20.0, "received": 10.0}]
)
def test_answers_to_each_segment_rest_between_a_long_path_and_few_segments_are_not(more):
    assert verdicts(RULE, synthetic(exchange(**more), step=10.0)) == []
