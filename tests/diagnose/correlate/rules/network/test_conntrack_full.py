"""network.conntrack_full: drops with the table at its limit."""

import pytest

from diagnose.correlate.rule import Sysctl
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.conntrack_full"


def window(entries=1000.0, drops=50.0):
    readings = {
        "nf_conntrack_entries": [({}, [entries] * 3)],
        "nf_conntrack_entries_limit": [({}, [1000.0] * 3)],
        "nf_conntrack_stat_drop_total": [({}, [drops] * 3)],
    }
    facts = {"sysctl.net.netfilter.nf_conntrack_buckets": "256"}
    return synthetic(readings, step=10.0, facts=facts)


def test_a_recorded_full_table_is_doubled():
    verdict = the_verdict(RULE, recorded("conntrack-full-small"))
    assert verdict.subject.everywhere
    change = verdict.recommendations[0].change
    assert change == Sysctl("net.netfilter.nf_conntrack_max", 300, 1024)
    assert "network.accept_queue_overflow" in {each.rule for each in verdict.ruled_out}


def test_a_recorded_table_that_is_high_but_stable_is_no_finding():
    assert verdicts(RULE, recorded("conntrack-high-but-stable-usual")) == []


def test_without_the_table_it_is_unknown():
    assert verdicts(RULE, without(recorded("conntrack-full-small"), "nf_conntrack")) is None


def test_buckets_grow_with_the_table():
    changes = [each.change for each in the_verdict(RULE, window()).recommendations]
    assert Sysctl("net.netfilter.nf_conntrack_buckets", 256, 512) in changes


@pytest.mark.parametrize("more", [{"drops": 0.0}, {"entries": 400.0}])
def test_a_full_table_without_drops_and_drops_without_a_full_table_are_no_finding(more):
    assert verdicts(RULE, window(**more)) == []
