"""network.tcp_memory_pressure: dropped at the socket's door, and whose bound it is."""

import pytest

from diagnose.correlate import engine
from diagnose.correlate.rule import Sysctl
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.tcp_memory_pressure"
FACTS = {"sysctl.net.ipv4.tcp_mem": "1000 1300 2000", "sysctl.net.ipv4.tcp_max_orphans": "1000"}


def test_a_recorded_limit_of_a_control_group_drops_what_arrives_and_explains_the_retransmits():
    samples = recorded("short-of-tcp-memory-usual")
    assert the_verdict(RULE, samples).impact.share > 0.2
    judgements = engine.evaluate(samples).judgements
    (root,) = [each for each in judgements if each.explained_by is None]
    assert root.rule == RULE
    assert "network.packet_loss" in {each.rule for each in judgements}


@pytest.mark.parametrize("name", ["slow-reader-one", "packet-loss-five", "small-receive-buffer-tiny"])
def test_recorded_lookalikes_are_not_this(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_the_stacks_counters_it_is_unknown():
    assert verdicts(RULE, without(recorded("short-of-tcp-memory-usual"), "netstat_")) is None


def window(pages=1500.0, orphans=0.0, key="TCPMemoryPressures"):
    readings = {
        f"netstat_TcpExt_{key}": [({}, [3.0] * 6)],
        "sockstat_TCP_mem": [({}, [pages] * 6)],
        "sockstat_TCP_orphan": [({}, [orphans] * 6)],
    }
    return synthetic(readings, step=5.0, facts=FACTS)


def test_the_machines_bound_is_doubled_where_it_is_reached():
    changes = [each.change for each in the_verdict(RULE, window()).recommendations]
    assert Sysctl("net.ipv4.tcp_mem", "1000 1300 2000", "2000 2600 4000") in changes


def test_the_machines_bound_is_not_raised_where_there_is_room():
    recommendations = the_verdict(RULE, window(pages=100.0)).recommendations
    assert not any(isinstance(each.change, Sysctl) for each in recommendations)


def test_connections_ended_because_of_too_many_orphans_are_not_this():
    assert verdicts(RULE, window(orphans=900.0, key="TCPAbortOnMemory")) == []
