"""network.connection_resets: refused and broken off, when it lasts and is a share of the traffic."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.connection_resets"


def test_recorded_refusals_name_the_address_where_nobody_listens():
    verdict = the_verdict(RULE, recorded("nobody-listens-usual"))
    assert verdict.subject.destination == "127.0.0.1:7301"
    assert "nobody listens there" in verdict.headline


def test_recorded_connections_that_are_broken_off_name_the_listener():
    verdict = the_verdict(RULE, recorded("broken-off-slow"))
    assert verdict.subject.listener == "127.0.0.1:7301"
    assert "broken off" in verdict.headline


@pytest.mark.parametrize(
    "name",
    [
        "a-health-check-fails-usual",
        "kept-alive-usual",
        "quiet",
        "rolling-restart-usual",
        "closed-a-little-late-usual",
    ],
)
def test_recorded_health_is_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_the_stacks_counters_it_is_unknown():
    assert verdicts(RULE, without(recorded("broken-off-slow"), "netstat_")) is None


def window(fails, opens=20.0, key="AttemptFails"):
    readings = {
        f"netstat_Tcp_{key}": [({}, fails)],
        "netstat_Tcp_ActiveOpens": [({}, [opens] * len(fails))],
        "netstat_Tcp_OutRsts": [({}, [100.0] * len(fails))],
    }
    return synthetic(readings, step=5.0)


def test_a_restart_refuses_for_a_moment_and_is_no_finding():
    assert verdicts(RULE, window([0.0, 0.0, 20.0, 15.0, 0.0, 0.0, 0.0])) == []


def test_refusals_that_last_are_one():
    assert the_verdict(RULE, window([0.0, 0.0, 15.0, 15.0, 15.0, 15.0, 15.0])).subject.everywhere


def test_a_port_scan_sends_resets_and_is_not_this():
    assert verdicts(RULE, window([0.0] * 7)) == []
