"""network.close_wait_leak: what only grows and is old, in one process."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.close_wait_leak"
SHOP = {"pid": "812", "service": "shop"}


def window(counts, oldest):
    readings = {
        "tcp_close_wait": [(SHOP, counts)],
        "tcp_close_wait_oldest_seconds": [(SHOP, oldest)],
        "tcp_connection_states": [({"state": "close_wait"}, counts)],
    }
    return synthetic(readings, step=10.0)


@pytest.mark.parametrize("pace", ["slow", "fast"])
def test_a_recorded_leak_names_the_process_and_when_descriptors_run_out(pace):
    verdict = the_verdict(RULE, recorded(f"close-wait-leak-{pace}"))
    assert verdict.subject.service == "server.py"
    assert "out of descriptors in" in verdict.headline
    assert any("tcp_fin_timeout" in each.action for each in verdict.will_not_help)


@pytest.mark.parametrize("name", ["kept-alive-usual", "closed-a-little-late-usual", "idle-connections-3000"])
def test_recorded_connections_that_are_kept_or_closed_late_are_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_connections_it_is_unknown():
    assert verdicts(RULE, without(recorded("close-wait-leak-slow"), "tcp_")) is None


def test_a_burst_that_is_closed_again_is_no_finding():
    assert verdicts(RULE, window([0, 200, 150, 60], [0, 10, 12, 12])) == []


def test_many_that_do_not_become_more_are_no_leak():
    """A pool that holds on to what its peers closed: a fixed number, for ever."""
    assert verdicts(RULE, window([50, 50, 50, 50], [600, 610, 620, 630])) == []


def test_a_process_that_is_gone_leaks_no_more():
    samples = window([10, 30, 60, 90], [10, 20, 30, 40])
    assert the_verdict(RULE, samples).subject.pid == 812
    readings = {
        "tcp_close_wait": [(SHOP, [10, 30, 60])],
        "tcp_connection_states": [({"state": "close_wait"}, [10, 30, 60, 0, 0, 0])],
    }
    assert verdicts(RULE, synthetic(readings, step=10.0)) == []
