"""Advice fitted to the host: bounds, kernels without the parameter, values set already, findings that disagree."""

import pytest

from diagnose.correlate.change import Backlog, Code, Inspect, Sysctl, Variable, Workers
from diagnose.correlate.engine import Evaluation, Judgement, evaluate
from diagnose.correlate.rule import Evidence, Impact, Recommendation, Subject, Verdict, WillNotHelp
from diagnose.findings.advice.fitting import fitted
from tests.diagnose.correlate.windows import recorded, synthetic

SOMAXCONN = "net.core.somaxconn"
FACTS = {
    "memory.total_bytes": str(8 << 30),
    "cpu.count": "4",
    "kernel.release": "6.1.0-18-amd64",
    f"sysctl.{SOMAXCONN}": "4096",
    "service.shop.command": "/usr/bin/python3 -m gunicorn shop:app --workers 3",
    "service.shop.runtime": "go1.22",
}


def verdict(*changes, rule="network.accept_queue_overflow", share=0.5, netns="", evidence=(), said=()):
    advice = tuple(Recommendation(change, "twice", "less", "low") for change in changes)
    return Judgement(
        rule,
        Verdict(
            Subject("shop", 812, netns=netns),
            "headline",
            Impact(share, 1, "1/s", "lost"),
            tuple(evidence),
            recommendations=advice,
            will_not_help=said,
        ),
        0.9,
        True,
    )


def fit(*judgements, facts=None, readings=None):
    series = readings or {"softnet_processed_total": [({"cpu": "0"}, [1.0] * 30)]}
    samples = synthetic(series, facts=FACTS | (facts or {}))
    found = fitted(Evaluation(judgements, ()), samples)
    return [each.verdict for each in found.judgements]


def test_a_parameter_that_the_kernel_lacks_is_not_advised_but_named():
    (only,) = fit(verdict(Sysctl("net.core.netdev_max_backlog", 1000, 2048)))
    assert only.recommendations == ()
    (reason,) = [each for each in only.will_not_help if "netdev_max_backlog" in each.action]
    assert "this kernel (6.1.0-18-amd64) has no such parameter" in reason.reason


def test_without_any_facts_of_the_kernel_nothing_is_taken_away():
    (only,) = [
        each.verdict
        for each in fitted(
            Evaluation((verdict(Sysctl("net.core.anything", 1, 2)),), ()),
            synthetic({"softnet_processed_total": [({}, [1.0] * 3)]}),
        ).judgements
    ]
    assert len(only.recommendations) == 1


def test_a_value_that_is_higher_already_is_not_advised_again():
    (only,) = fit(verdict(Sysctl(SOMAXCONN, 128, 1024)))
    assert only.recommendations == ()
    assert any(each.reason == "it is 4096 by now" for each in only.will_not_help)


def test_a_listener_in_another_namespace_has_another_value_than_the_hosts():
    (only,) = fit(verdict(Sysctl(SOMAXCONN, 128, 1024), netns="4026532000"))
    assert [each.change.proposed for each in only.recommendations] == [1024]
    assert only.recommendations[0].fit.place.netns == "4026532000"


def test_a_value_beyond_the_hosts_memory_is_cut_and_says_so():
    (only,) = fit(
        verdict(Sysctl(SOMAXCONN, 4096, 1 << 20)),
        facts={"memory.total_bytes": str(1 << 30)},
    )
    (advice,) = only.recommendations
    assert advice.change.proposed == int((1 << 30) * 0.05 / 4096)
    assert "1,048,576 cut to 13,107" in advice.fit.bound
    assert "1 GB" in advice.fit.bound


def test_where_the_bound_is_what_is_set_already_there_is_no_advice():
    (only,) = fit(
        verdict(Sysctl("fs.file-max", 400_000, 800_000)),
        facts={"memory.total_bytes": str(1 << 30), "sysctl.fs.file-max": "400000"},
    )
    assert only.recommendations == ()
    assert any("a higher fs.file-max" in each.action for each in only.will_not_help)


def test_two_findings_that_pull_one_way_get_the_value_that_serves_both():
    small, large = Sysctl(SOMAXCONN, 4096, 8192), Sysctl(SOMAXCONN, 4096, 16_384)
    one, two = fit(verdict(small), verdict(large, rule="network.syn_queue_overflow"))
    assert [each.recommendations[0].change for each in (one, two)] == [large, large]
    assert "network.syn_queue_overflow needs 16384" in one.recommendations[0].formula


def test_of_two_that_pull_apart_the_heavier_is_heard_and_the_other_told_why():
    more, fewer = Workers("shop", 3, 6), Workers("shop", 3, 2)
    gil = verdict(more, Code("price", "cache it"), rule="python.gil_contention", share=0.2)
    quota = verdict(Inspect("it", "see", "ls"), fewer, rule="cpu.cgroup_throttling", share=0.8)
    lighter, heavier = fit(gil, quota)
    assert [type(each.change) for each in lighter.recommendations] == [Code]
    assert heavier.recommendations[0].change == fewer
    (withdrawn,) = [each for each in lighter.will_not_help if each.action.startswith("set processes")]
    assert (
        "cpu.cgroup_throttling, which weighs more here, needs 2: that pulls the other way" in withdrawn.reason
    )


def test_closer_looks_come_after_what_can_be_done():
    (only,) = fit(verdict(Inspect("it", "see", "ls"), Code("price", "cache it")))
    assert [type(each.change) for each in only.recommendations] == [Code, Inspect]


def test_the_program_and_the_readings_stand_beside_the_advice():
    metric = "netstat_TcpExt_ListenOverflows"
    decides = Evidence("supports", "decides", "285 a second", metric, 285.0, "1/s", 0.0)
    (only,) = fit(
        verdict(Backlog("0.0.0.0:8080", "shop", 16, 512), evidence=(decides,)),
        readings={metric: [({}, [280.0, 290.0, 300.0, 270.0] * 10)]},
    )
    fit_ = only.recommendations[0].fit
    assert fit_.place.program == "gunicorn"
    assert [each.value for each in fit_.inputs] == [285.0]
    assert 275 < fit_.effect.low < 285 < fit_.effect.high < 295


def test_folklore_is_added_where_it_applies_and_only_once():
    own = WillNotHelp("set vm.swappiness to 1", "it is no knob for speed")
    plain, said = (
        fit(verdict(rule="memory.swapping"))[0],
        fit(verdict(rule="memory.swapping", said=(own,)))[0],
    )
    assert any("swappiness" in each.action for each in plain.will_not_help)
    assert [each.action for each in said.will_not_help if "swappiness" in each.action] == [own.action]
    (throttled,) = fit(verdict(Variable("shop", "GOMAXPROCS", "", "2"), rule="cpu.cgroup_throttling"))
    assert any("GOMAXPROCS above" in each.action for each in throttled.will_not_help)


@pytest.mark.parametrize(
    "name", ["burst-over-backlog-small", "cpu-quota-hard", "task-limit-few", "udp-burst-small"]
)
def test_the_advice_of_real_recordings_is_computed_bounded_and_placed(name):
    samples = recorded(name)
    for judgement in fitted(evaluate(samples), samples).judgements:
        for advice in judgement.verdict.recommendations:
            assert advice.fit.inputs
            assert advice.formula
