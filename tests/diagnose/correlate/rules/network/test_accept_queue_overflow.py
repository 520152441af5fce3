"""network.accept_queue_overflow: which listener drops, which cap binds, and how long its queue must be."""

import dataclasses

import pytest

from diagnose.correlate import engine
from diagnose.correlate.confidence import confidence
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
    assert "errs to the large side" in recommendation.formula
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


def test_several_uncounted_listeners_that_were_full_are_named_and_make_it_less_sure():
    sure = the_verdict(RULE, synthetic(bursts(), facts=facts()))
    readings = bursts(per_listener=False)
    readings["listener_accept_queue_length"].append((BLOG, [30] + [0] * (SECONDS - 1)))
    readings["listener_accept_queue_limit"].append((BLOG, [32] * SECONDS))
    unsure = the_verdict(RULE, synthetic(readings, facts=facts()))
    assert any("0.0.0.0:9090" in line.text for line in unsure.evidence if line.kind == "missing")
    assert confidence(unsure.evidence, engine.weights()) < confidence(sure.evidence, engine.weights())


def add(readings, labels, lengths, limit, drops=None):
    readings["listener_accept_queue_length"].append((labels, lengths))
    readings["listener_accept_queue_limit"].append((labels, [limit] * len(lengths)))
    if drops is not None:
        readings.setdefault("listener_drops_total", []).append((labels, drops))


def unseen_overflows():
    """Overflows that no reading of the shop's queue shows."""
    readings = bursts(per_listener=False)
    readings["listener_accept_queue_length"] = [(SHOP, [0] * SECONDS)]
    return readings


def test_overflows_that_may_be_of_any_of_several_listeners_are_blamed_on_none():
    readings = unseen_overflows()
    add(readings, BLOG, [0] * SECONDS, 32)
    evaluation = engine.evaluate(synthetic(readings, facts=facts()))
    assert [each.rule for each in evaluation.judgements] == []
    assert any(each.what == RULE and "0.0.0.0:9090" in each.why for each in evaluation.unknown)


def test_a_single_listener_with_a_small_limit_is_blamed_even_unseen():
    assert (
        the_verdict(RULE, synthetic(unseen_overflows(), facts=facts())).subject.listener == SHOP["listener"]
    )


def test_a_single_listener_with_a_large_limit_is_not_blamed_unseen():
    readings = unseen_overflows()
    readings["listener_accept_queue_limit"] = [(SHOP, [1024] * SECONDS)]
    assert verdicts(RULE, synthetic(readings, facts=facts())) is None


def test_a_new_listener_is_not_blamed_for_what_one_that_is_ending_drops():
    """Seen in a demo: the shop with a backlog of 8 drops and ends while another shop starts with 1024."""
    readings = bursts(limit=8)
    readings["netstat_TcpExt_ListenOverflows"] = [({}, [75.0] * SECONDS)]
    add(readings, BLOG, [0] * 3, 1024)
    assert the_verdict(RULE, synthetic(readings, facts=facts())).subject.listener == SHOP["listener"]


@pytest.mark.parametrize("limit", [8, 1024])
@pytest.mark.parametrize("counted", [True, False])
def test_what_a_vanished_listener_dropped_is_blamed_on_nobody_else(limit, counted):
    samples = synthetic(bursts(limit=8, drops=300.0, per_listener=counted), facts=facts())
    series = {name: list(group) for name, group in samples.series.items()}
    for name in [name for name in series if name.startswith("listener_")]:
        series[name] = [
            dataclasses.replace(each, times_ns=each.times_ns[:30], values=each.values[:30])
            for each in series[name]
        ]
    later = synthetic(
        {
            "listener_accept_queue_length": [(BLOG, [0] * 20)],
            "listener_accept_queue_limit": [(BLOG, [limit] * 20)],
        }
    )
    shift = samples.end_ns - later.end_ns
    for name, group in later.series.items():
        series[name] += [dataclasses.replace(each, times_ns=each.times_ns + shift) for each in group]
    assert not verdicts(RULE, dataclasses.replace(samples, series=series))


def test_a_shop_restarted_on_its_port_with_a_longer_queue_is_not_blamed_for_the_old_one():
    readings = bursts(limit=8)
    add(readings, SHOP | {"pid": "990"}, [0] * 20, 1024, [0.0] * 20)
    assert (
        the_verdict(RULE, synthetic(readings, facts=facts())).subject.pid == 812
    )  # it was there a moment ago


def test_of_three_instances_only_the_one_that_drops_is_named():
    readings = bursts()
    for port in (8081, 8082):
        labels = SHOP | {"listener": f"0.0.0.0:{port}", "pid": str(port)}
        add(readings, labels, [0] * SECONDS, 16, [0.0] * SECONDS)
    assert the_verdict(RULE, synthetic(readings, facts=facts())).subject.listener == SHOP["listener"]


def test_drops_of_another_kind_are_no_overflows_when_others_cover_those():
    readings = bursts(drops=300.0)
    add(readings, BLOG, [0] * SECONDS, 512, [10.0] * SECONDS)
    assert the_verdict(RULE, synthetic(readings, facts=facts())).subject.listener == SHOP["listener"]


def test_overflows_of_another_namespace_are_not_blamed_on_this_one():
    readings = unseen_overflows()
    readings["netstat_TcpExt_ListenOverflows"] = [
        ({}, [0.0] * SECONDS),
        ({"netns": "4026532"}, [50.0] * SECONDS),
    ]
    assert verdicts(RULE, synthetic(readings, facts=facts())) == []


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
