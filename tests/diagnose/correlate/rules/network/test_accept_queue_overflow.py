"""network.accept_queue_overflow: which listener drops, which cap binds, and how long its queue must be."""

import pytest

from diagnose.correlate.rule import Backlog, Sysctl
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.accept_queue_overflow"
SHOP = {"listener": "0.0.0.0:8080", "pid": "812", "service": "shop"}
BLOG = {"listener": "0.0.0.0:9090", "pid": "900", "service": "blog"}
SECONDS = 60


def bursts(limit=16, drops=30.0, *, per_listener=True, labels=SHOP, **more):
    """A burst each ten seconds; the queue is empty between them."""
    lengths = [limit + 1 if second % 10 == 5 else 0 for second in range(SECONDS)]
    lost = [drops if second % 10 == 6 else 0.0 for second in range(SECONDS)]
    readings = {
        "listener_accept_queue_length": [(labels, lengths)],
        "listener_accept_queue_limit": [(labels, [limit] * SECONDS)],
        "netstat_TcpExt_ListenOverflows": [({}, lost)],
        "netstat_TcpExt_ListenDrops": [({}, lost)],
        "netstat_Tcp_PassiveOpens": [({}, [20.0] * SECONDS)],
    }
    if per_listener:
        readings["listener_drops_total"] = [(labels, lost)]
    return readings | more


def facts(somaxconn=4096, memory=8 << 30):
    return {"sysctl.net.core.somaxconn": str(somaxconn), "memory.total_bytes": str(memory)}


def test_a_recorded_burst_over_a_backlog_of_8_names_the_listener_and_sizes_its_queue():
    verdict = the_verdict(RULE, recorded("small_backlog"))
    assert verdict.subject.listener.endswith(":18590")
    assert verdict.subject.service == "service.py"
    assert "asked for a backlog of 8" in verdict.headline
    (recommendation,) = verdict.recommendations
    assert isinstance(recommendation.change, Backlog)
    assert recommendation.change.current == 8
    assert 128 <= recommendation.change.proposed <= 512  # 120 connections at once, and their retries
    assert any("somaxconn" in each.action for each in verdict.will_not_help)
    assert {"app.acceptor_stalled", "limits.process_fds"} <= {each.rule for each in verdict.ruled_out}


def test_a_recorded_burst_with_room_in_the_queue_is_no_finding():
    assert verdicts(RULE, recorded("burst_with_room")) == []


def test_without_any_listener_read_it_is_unknown():
    assert verdicts(RULE, without(recorded("small_backlog"), "listener_")) is None


def test_the_backlog_is_the_busiest_second_rounded_up_to_a_power_of_two():
    verdict = the_verdict(RULE, synthetic(bursts(limit=16, drops=300.0), facts=facts()))
    (recommendation,) = verdict.recommendations
    assert recommendation.change == Backlog("0.0.0.0:8080", "shop", 16, 512)  # 300 refused + 17 queued
    assert "317 arrivals/s" in recommendation.formula


def test_the_backlog_is_capped_by_memory():
    verdict = the_verdict(RULE, synthetic(bursts(drops=9000.0), facts=facts(memory=256 << 20)))
    change = verdict.recommendations[0].change
    assert isinstance(change, Backlog)
    assert change.proposed == (256 << 20) // 100 // 4096


def test_a_queue_larger_than_somaxconn_needs_both_caps():
    verdict = the_verdict(RULE, synthetic(bursts(limit=16, drops=300.0), facts=facts(somaxconn=128)))
    assert [type(each.change) for each in verdict.recommendations] == [Backlog, Sysctl]


def test_a_limit_equal_to_somaxconn_is_ambiguous_and_says_so():
    verdict = the_verdict(RULE, synthetic(bursts(limit=128, drops=300.0), facts=facts(somaxconn=128)))
    assert verdict.recommendations[0].change == Sysctl("net.core.somaxconn", 128, 512)
    assert any("Go asks for somaxconn once" in each.why for each in verdict.unknown)
    assert not any("somaxconn" in each.action for each in verdict.will_not_help)


def test_without_the_fact_of_somaxconn_which_cap_binds_is_unknown():
    verdict = the_verdict(RULE, synthetic(bursts()))
    assert "which cap binds" in [each.what for each in verdict.unknown]


def test_the_listener_that_drops_is_told_from_its_neighbour():
    readings = bursts()
    readings["listener_accept_queue_length"].append((BLOG, [0] * SECONDS))
    readings["listener_accept_queue_limit"].append((BLOG, [8] * SECONDS))
    readings["listener_drops_total"].append((BLOG, [0.0] * SECONDS))
    assert the_verdict(RULE, synthetic(readings, facts=facts())).subject.listener == SHOP["listener"]


def test_without_drop_counters_the_listener_caught_full_is_named():
    readings = bursts(per_listener=False)
    readings["listener_accept_queue_length"].append((BLOG, [0] * SECONDS))
    readings["listener_accept_queue_limit"].append((BLOG, [8] * SECONDS))
    verdict = the_verdict(RULE, synthetic(readings, facts=facts()))
    assert verdict.subject.listener == SHOP["listener"]


def test_several_listeners_that_could_be_it_are_named_and_make_it_less_sure():
    from diagnose.correlate.confidence import confidence
    from diagnose.correlate.engine import weights

    sure = the_verdict(RULE, synthetic(bursts(), facts=facts()))
    readings = bursts(per_listener=False)
    readings["listener_accept_queue_length"] = [(SHOP, [0] * SECONDS), (BLOG, [0] * SECONDS)]
    readings["listener_accept_queue_limit"].append((BLOG, [32] * SECONDS))
    unsure = the_verdict(RULE, synthetic(readings, facts=facts()))
    assert any("0.0.0.0:9090" in line.text for line in unsure.evidence if line.kind == "missing")
    assert confidence(unsure.evidence, weights()) < confidence(sure.evidence, weights()) - 0.1


def test_drops_without_overflows_are_a_syn_queue_and_not_this():
    still = [0.0] * SECONDS
    readings = bursts(netstat_TcpExt_ListenOverflows=[({}, still)])
    assert verdicts(RULE, synthetic(readings, facts=facts())) == []


@pytest.mark.parametrize("drops", [0.0, 1.0])
def test_old_counters_and_single_drops_are_no_finding(drops):
    assert verdicts(RULE, synthetic(bursts(drops=drops), facts=facts())) == []


def test_a_listener_in_a_namespace_is_judged_by_its_own_counters():
    inside = SHOP | {"netns": "4026532"}
    readings = bursts(labels=inside)
    readings["netstat_TcpExt_ListenOverflows"] = [
        ({}, [0.0] * SECONDS),
        ({"netns": "4026532"}, [5.0] * SECONDS),
    ]
    assert the_verdict(RULE, synthetic(readings, facts=facts())).subject.netns == "4026532"


def test_a_queue_that_never_drains_gets_no_larger_backlog():
    readings = bursts()
    readings["listener_accept_queue_length"] = [(SHOP, [17] * SECONDS)]
    verdict = the_verdict(RULE, synthetic(readings, facts=facts()))
    assert not any(isinstance(each.change, Backlog | Sysctl) for each in verdict.recommendations)
    assert any(each.action == "a larger backlog" for each in verdict.will_not_help)
