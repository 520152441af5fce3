"""network.receive_window_limited: a window that is small, not one that a slow reader closes."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.receive_window_limited"
DST = {"dst": "10.0.0.9:9000"}


def transfer(share=0.9, busy=10.0, rtt=0.021, resent=0.0, min_rtt=0.02):
    return {
        "tcp_busy_seconds_total": [(DST, [busy] * 3)],
        "tcp_receive_window_limited_seconds_total": [(DST, [share * busy] * 3)],
        "tcp_rtt_median_seconds": [(DST, [rtt] * 3)],
        "tcp_min_rtt_seconds": [(DST, [min_rtt] * 3)],
        "tcp_delivery_rate_median_bytes_per_second": [(DST, [1e6] * 3)],
        "tcp_sent_segments_total": [(DST, [1000.0] * 3)],
        "tcp_retransmits_total": [(DST, [resent] * 3)],
    }


def test_a_recorded_small_buffer_leaves_the_size_to_the_kernel():
    verdict = the_verdict(RULE, recorded("small-receive-buffer-tiny"))
    assert verdict.subject.destination == "10.99.0.2:7401"
    (recommendation,) = verdict.recommendations
    assert "do not set SO_RCVBUF" in recommendation.change.what
    assert any("rmem_max" in each.action for each in verdict.will_not_help)


@pytest.mark.parametrize("name", ["nothing-more-to-send-usual", "small-send-buffer-small", "slow-reader-one"])
def test_recorded_lookalikes_are_not_this(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_connections_it_is_unknown():
    assert verdicts(RULE, without(recorded("small-receive-buffer-tiny"), "tcp_")) is None


def test_a_window_at_an_even_round_trip_is_one():
    assert the_verdict(RULE, synthetic(transfer(), step=10.0)).subject.destination == DST["dst"]


@pytest.mark.parametrize(
    "more",
    [{"rtt": 0.2}, {"resent": 50.0}, {"share": 0.05}, {"busy": 0.5}, {"min_rtt": 0.00003, "rtt": 0.00003}],
)
def test_late_acknowledgements_loss_little_traffic_and_short_paths_are_not(more):
    assert verdicts(RULE, synthetic(transfer(**more), step=10.0)) == []
