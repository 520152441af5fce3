"""network.send_buffer_limited: the sender's own buffer, where the window is open."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.send_buffer_limited"
DST = {"dst": "10.0.0.9:9000"}


def transfer(share=0.0, used=1.2, window=0.0):
    return {
        "tcp_busy_seconds_total": [(DST, [10.0] * 3)],
        "tcp_send_buffer_limited_seconds_total": [(DST, [share * 10.0] * 3)],
        "tcp_receive_window_limited_seconds_total": [(DST, [window * 10.0] * 3)],
        "tcp_send_buffer_used_ratio": [(DST, [used] * 3)],
        "tcp_min_rtt_seconds": [(DST, [0.02] * 3)],
        "tcp_rtt_median_seconds": [(DST, [0.021] * 3)],
    }


def test_a_recorded_small_buffer_leaves_the_size_to_the_kernel():
    verdict = the_verdict(RULE, recorded("small-send-buffer-small"))
    assert verdict.subject.destination == "10.99.0.2:7401"
    assert "do not set SO_SNDBUF" in verdict.recommendations[0].change.what


@pytest.mark.parametrize(
    "name", ["nothing-more-to-send-usual", "small-receive-buffer-tiny", "slow-reader-one"]
)
def test_recorded_lookalikes_are_not_this(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_connections_it_is_unknown():
    assert verdicts(RULE, without(recorded("small-send-buffer-small"), "tcp_")) is None


def test_a_buffer_over_its_limit_decides_where_the_kernel_counts_no_time():
    assert the_verdict(RULE, synthetic(transfer(), step=10.0)).subject.destination == DST["dst"]


@pytest.mark.parametrize("more", [{"used": 0.95}, {"window": 0.5}])
def test_a_buffer_that_auto_tuning_made_or_a_closed_window_is_not(more):
    assert verdicts(RULE, synthetic(transfer(**more), step=10.0)) == []
