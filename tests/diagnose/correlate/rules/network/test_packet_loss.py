"""network.packet_loss: lost on the way, not here, and not only sent twice."""

import pytest

from diagnose.correlate.rule import Sysctl
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.packet_loss"
DST = {"dst": "10.0.0.9:9000"}


def transfer(resent, sent, dsack=0.0):
    return {
        "tcp_sent_segments_total": [(DST, [sent] * 3)],
        "tcp_retransmits_total": [(DST, [resent] * 3)],
        "tcp_busy_seconds_total": [(DST, [10.0] * 3)],
        "tcp_rtt_median_seconds": [(DST, [0.02] * 3)],
        "netstat_TcpExt_TCPSackRecovery": [({}, [5.0] * 3)],
        "netstat_TcpExt_TCPDSACKRecv": [({}, [dsack] * 3)],
    }


@pytest.mark.parametrize(("name", "low", "high"), [("one", 0.005, 0.015), ("five", 0.035, 0.065)])
def test_recorded_loss_is_told_with_its_destination_and_its_share(name, low, high):
    verdict = the_verdict(RULE, recorded(f"packet-loss-{name}"))
    assert verdict.subject.destination == "10.99.0.2:7601"
    (line,) = [line for line in verdict.evidence if line.role == "decides"]
    assert low <= line.value <= high


@pytest.mark.parametrize(
    "name", ["nothing-more-to-send-usual", "slow-reader-one", "syn-flood-cookies-off-weak"]
)
def test_recorded_lookalikes_are_not_this(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_connections_it_is_unknown():
    assert verdicts(RULE, without(recorded("packet-loss-one"), "tcp_")) is None


def test_what_was_sent_again_for_nothing_is_not_lost():
    assert the_verdict(RULE, synthetic(transfer(50.0, 1000.0), step=10.0))
    assert verdicts(RULE, synthetic(transfer(50.0, 1000.0, dsack=45.0), step=10.0)) == []


@pytest.mark.parametrize(("resent", "sent"), [(2.0, 30.0), (10.0, 20_000.0), (0.0, 0.0)])
def test_a_few_segments_or_a_thousandth_are_no_finding(resent, sent):
    assert verdicts(RULE, synthetic(transfer(resent, sent), step=10.0)) == []


def test_another_congestion_control_is_not_proposed_where_it_is_not_loaded():
    facts = {
        "sysctl.net.ipv4.tcp_congestion_control": "cubic",
        "sysctl.net.ipv4.tcp_available_congestion_control": "reno cubic",
    }
    verdict = the_verdict(RULE, synthetic(transfer(50.0, 1000.0), step=10.0, facts=facts))
    assert not any(isinstance(each.change, Sysctl) for each in verdict.recommendations)
