"""app.slow_reader: bytes that stay unread, seen from either end."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "app.slow_reader"


def test_a_recorded_reader_that_rests_is_named_with_what_waits():
    verdict = the_verdict(RULE, recorded("slow-reader-one"))
    assert verdict.subject.service == "bulk.py"
    assert verdict.subject.listener == "127.0.0.1:7401"
    assert any("receive buffer" in each.action for each in verdict.will_not_help)


@pytest.mark.parametrize(
    "name",
    ["small-receive-buffer-tiny", "small-send-buffer-small", "nothing-more-to-send-usual", "packet-loss-one"],
)
def test_recorded_lookalikes_are_not_this(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_connections_it_is_unknown():
    assert verdicts(RULE, without(recorded("slow-reader-one"), "tcp_")) is None


def queue(used, zero_windows=10.0):
    labels = {"listener": "0.0.0.0:9000"}
    readings = {
        "tcp_receive_buffer_used_ratio": [(labels, used)],
        "tcp_receive_queue_bytes": [(labels, [200_000.0] * len(used))],
        "netstat_TcpExt_TCPToZeroWindowAdv": [({}, [zero_windows] * len(used))],
    }
    return synthetic(readings, step=10.0)


def test_a_queue_that_stays_full_is_a_slow_reader_whoever_sends():
    assert the_verdict(RULE, queue([0.0, 0.7, 0.75])).subject.listener == "0.0.0.0:9000"


@pytest.mark.parametrize(("used", "zero"), [([0.9, 0.0, 0.8], 10.0), ([0.7, 0.7, 0.7], 0.0), ([0.9], 10.0)])
def test_a_queue_that_is_emptied_an_open_window_or_one_reading_are_no_finding(used, zero):
    assert verdicts(RULE, queue(used, zero)) == []
