"""network.time_wait_overflow: the kernel's own counter, and how many buckets the rate fills."""

from diagnose.correlate.rule import Sysctl
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.time_wait_overflow"
BUCKETS = "sysctl.net.ipv4.tcp_max_tw_buckets"


def test_a_recorded_overflow_proposes_what_the_rate_fills_in_a_minute():
    verdict = the_verdict(RULE, recorded("time-wait-buckets-more"))
    assert verdict.impact.share < 0.1
    (change,) = [each.change for each in verdict.recommendations if isinstance(each.change, Sysctl)]
    assert change.name == "net.ipv4.tcp_max_tw_buckets"
    assert change.proposed > change.current


def test_recorded_connections_in_time_wait_below_the_bound_are_no_finding():
    assert verdicts(RULE, recorded("time-wait-with-ports-to-spare-usual")) == []


def test_without_the_stacks_counters_it_is_unknown():
    assert verdicts(RULE, without(recorded("time-wait-buckets-more"), "netstat_")) is None


def test_old_overflows_are_no_finding():
    readings = {"netstat_TcpExt_TCPTimeWaitOverflow": [({}, [500.0] * 4 + [0.0] * 10)]}
    assert verdicts(RULE, synthetic(readings, step=5.0)) == []


def test_a_bound_is_not_proposed_where_it_is_not_known():
    readings = {"netstat_TcpExt_TCPTimeWaitOverflow": [({"netns": "402653"}, [100.0] * 6)]}
    verdict = the_verdict(RULE, synthetic(readings, step=5.0, facts={BUCKETS: "100"}))
    assert not any(isinstance(each.change, Sysctl) for each in verdict.recommendations)
    assert verdict.unknown
