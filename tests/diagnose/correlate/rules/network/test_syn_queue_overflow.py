"""network.syn_queue_overflow: with cookies and without, a flood and a burst, and what a full accept queue is not."""

import pytest

from diagnose.correlate.rule import Backlog, Inspect, Sysctl
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.syn_queue_overflow"
SHOP = {"listener": "0.0.0.0:443", "pid": "812", "service": "shop"}


@pytest.mark.parametrize("strength", ["weak", "strong"])
def test_a_recorded_flood_with_cookies_costs_little_and_says_what_does_not_help(strength):
    verdict = the_verdict(RULE, recorded(f"syn-flood-cookies-on-{strength}"))
    assert verdict.subject.listener == "0.0.0.0:7201"
    assert "flood" in verdict.headline
    assert verdict.impact.share < 0.1
    assert isinstance(verdict.recommendations[0].change, Inspect)
    assert any("tcp_max_syn_backlog" in each.action for each in verdict.will_not_help)


@pytest.mark.parametrize("strength", ["weak", "strong"])
def test_a_recorded_flood_without_cookies_locks_customers_out_and_cookies_help(strength):
    verdict = the_verdict(RULE, recorded(f"syn-flood-cookies-off-{strength}"))
    assert verdict.impact.share > 0.5
    assert verdict.recommendations[0].change == Sysctl("net.ipv4.tcp_syncookies", 0, 1)
    assert "network.accept_queue_overflow" in {each.rule for each in verdict.ruled_out}


def test_a_few_recorded_scans_are_no_finding():
    assert verdicts(RULE, recorded("a-few-scans-usual")) == []


def test_a_recorded_burst_over_a_small_backlog_is_not_a_full_syn_queue():
    assert verdicts(RULE, recorded("small_backlog")) == []


def test_without_the_stacks_counters_it_is_unknown():
    assert verdicts(RULE, without(recorded("syn-flood-cookies-on-weak"), "netstat_")) is None


def half_open(returned=90.0, **more):
    """A queue of 64 that real customers overflow; `returned` of 100 cookies come back each pass."""
    steps = 6
    return {
        "netstat_TcpExt_TCPReqQFullDoCookies": [({}, [100.0] * steps)],
        "netstat_TcpExt_SyncookiesSent": [({}, [100.0] * steps)],
        "netstat_TcpExt_SyncookiesRecv": [({}, [returned] * steps)],
        "netstat_TcpExt_ListenOverflows": [({}, [0.0] * steps)],
        "tcp_connections": [({"listener": SHOP["listener"], "state": "syn_recv"}, [64] * steps)],
        "listener_accept_queue_length": [(SHOP, [0] * steps)],
        "listener_accept_queue_limit": [(SHOP, [64] * steps)],
    } | more


def test_cookies_that_come_back_are_a_burst_that_a_longer_backlog_holds():
    verdict = the_verdict(RULE, synthetic(half_open(), step=5.0))
    (recommendation,) = verdict.recommendations
    assert recommendation.change == Backlog("0.0.0.0:443", "shop", 64, 128)  # 64 + 20/s
    assert "burst" in verdict.headline


def test_overflows_of_the_accept_queue_are_not_the_syn_queues():
    readings = half_open(netstat_TcpExt_ListenOverflows=[({}, [50.0] * 6)])
    assert verdicts(RULE, synthetic(readings, step=5.0)) == []


def test_listen_drops_alone_are_not_blamed_on_a_queue_that_has_room():
    """The counter also rises for want of memory, routes and leave of a security module."""
    readings = {
        "netstat_TcpExt_ListenDrops": [({}, [100.0] * 6)],
        "netstat_TcpExt_ListenOverflows": [({}, [0.0] * 6)],
        "tcp_connections": [({"listener": SHOP["listener"], "state": "syn_recv"}, [3] * 6)],
        "listener_accept_queue_length": [(SHOP, [0] * 6)],
        "listener_accept_queue_limit": [(SHOP, [64] * 6)],
    }
    assert verdicts(RULE, synthetic(readings, step=5.0)) == []
