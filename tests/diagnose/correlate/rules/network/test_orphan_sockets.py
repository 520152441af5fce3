"""network.orphan_sockets: their number, at the machine's bound."""

import pytest

from diagnose.correlate.rule import Sysctl
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.orphan_sockets"


def window(orphans=90.0, ended=10.0, bound="100", **more):
    readings = {
        "netstat_TcpExt_TCPAbortOnMemory": [({}, [ended] * 6)],
        "sockstat_TCP_mem": [({}, [100.0] * 6)],
        "sockstat_TCP_orphan": [({}, [orphans] * 6)],
    }
    facts = {"sysctl.net.ipv4.tcp_max_orphans": bound} if bound else {}
    return synthetic(readings | more, step=5.0, facts=facts)


def test_connections_ended_at_the_bound_are_told_with_twice_of_it():
    verdict = the_verdict(RULE, window())
    assert "90 of 100 orphaned connections" in verdict.headline
    assert Sysctl("net.ipv4.tcp_max_orphans", 100, 256) in [each.change for each in verdict.recommendations]


@pytest.mark.parametrize("name", ["short-of-tcp-memory-usual", "rolling-restart-usual", "idle-usual"])
def test_recorded_lookalikes_are_not_this(name):
    assert verdicts(RULE, recorded(name)) == []


@pytest.mark.parametrize("samples", [window(ended=0.0), window(orphans=5.0)])
def test_orphans_that_come_and_go_and_another_bound_are_no_finding(samples):
    assert verdicts(RULE, samples) == []


def test_want_of_memory_is_not_their_number():
    assert verdicts(RULE, window(netstat_TcpExt_TCPRcvQDrop=[({}, [10.0] * 6)])) == []


def test_a_bound_that_is_not_known_is_not_proposed():
    verdict = the_verdict(RULE, window(bound=""))
    assert not any(isinstance(each.change, Sysctl) for each in verdict.recommendations)


def test_without_sockstat_it_is_unknown():
    assert verdicts(RULE, without(window(), "sockstat_")) is None
