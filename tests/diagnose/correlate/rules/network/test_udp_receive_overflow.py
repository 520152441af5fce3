"""network.udp_receive_overflow: a slow reader and a burst want different remedies."""

import pytest

from diagnose.correlate.rule import Code
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, until, without

RULE = "network.udp_receive_overflow"
LOGS = {"listener": "0.0.0.0:514", "pid": "812", "service": "logd"}


def test_a_recorded_slow_reader_gets_no_larger_buffer():
    verdict = the_verdict(RULE, recorded("udp-slow-reader-usual"))
    assert verdict.subject.service == "datagrams.py"
    assert "its reader is too slow" in verdict.headline
    assert any(each.action == "a larger buffer" for each in verdict.will_not_help)
    (recommendation,) = verdict.recommendations
    assert "SO_REUSEPORT" in recommendation.change.what


def test_a_recorded_slow_reader_is_named_before_its_own_counter_rose():
    samples = recorded("udp-slow-reader-usual")
    verdict = the_verdict(RULE, until(samples, 22.0))
    assert verdict.subject.listener == "127.0.0.1:7501"


def test_a_recorded_burst_gets_the_buffer_that_it_needs():
    verdict = the_verdict(RULE, recorded("udp-burst-default"))
    assert "bursts are larger than its buffer" in verdict.headline
    code = [each.change for each in verdict.recommendations if isinstance(each.change, Code)]
    assert "SO_RCVBUF" in code[-1].what


def test_recorded_bursts_with_room_are_no_finding():
    assert verdicts(RULE, recorded("udp-with-room-usual")) == []


def test_without_udp_it_is_unknown():
    assert verdicts(RULE, without(recorded("udp-burst-default"), "udp_", "netstat_")) is None


@pytest.mark.parametrize(("drops", "found"), [(100.0, 1), (2.0, 0), (0.0, 0)])
def test_a_few_lost_datagrams_are_no_finding(drops, found):
    readings = {
        "udp_socket_drops_total": [(LOGS, [0.0, drops, 0.0])],
        "udp_socket_receive_buffer_used_ratio": [(LOGS, [0.0, 0.4, 0.0])],
        "netstat_Udp_InDatagrams": [({}, [100.0] * 3)],
    }
    assert len(verdicts(RULE, synthetic(readings, step=10.0))) == found


def test_drops_of_a_namespace_are_not_blamed_on_one_of_two_full_sockets():
    other = LOGS | {"listener": "0.0.0.0:8125", "pid": "900"}
    readings = {
        "udp_socket_receive_buffer_used_ratio": [(LOGS, [0.9, 0.9]), (other, [0.9, 0.9])],
        "netstat_Udp_RcvbufErrors": [({}, [300.0, 300.0])],
        "netstat_Udp_InDatagrams": [({}, [100.0] * 2)],
    }
    assert verdicts(RULE, synthetic(readings, step=10.0)) == []


def test_a_socket_whose_owner_was_looked_up_later_is_not_told_twice():
    unowned = {"listener": LOGS["listener"]}
    readings = {
        "udp_socket_drops_total": [(LOGS, [100.0] * 2), (unowned, [100.0])],
        "udp_socket_receive_buffer_used_ratio": [(LOGS, [0.9] * 2), (unowned, [0.9])],
        "netstat_Udp_InDatagrams": [({}, [100.0] * 3)],
    }
    assert the_verdict(RULE, synthetic(readings, step=10.0)).subject.pid == 812
