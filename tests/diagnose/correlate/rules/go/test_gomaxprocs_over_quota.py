"""go.gomaxprocs_over_quota: processors against the least quota of all groups above."""

import pytest

from diagnose.correlate.rule import CpuQuota, Variable
from tests.diagnose.correlate.rules.go import programs
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "go.gomaxprocs_over_quota"
GROUP = "/system.slice/shop.service"
FACTS = {
    "service.shop.runtime": "go",
    "service.shop.runtime_version": "1.19.8",
    "service.shop.cgroup.cpu": GROUP,
}


def window(told=8.0, quota=(GROUP, 2.0, 0.4), **facts):
    gauges = {"go_goroutines": [10.0] * programs.STEPS}
    if told:
        gauges["go_gomaxprocs"] = [told] * programs.STEPS
    named = {f"service.shop.{name.replace('__', '.')}": text for name, text in facts.items()}
    return programs.window(gauges, facts=FACTS | named, quota=quota)


def test_more_processors_than_the_quota_has_cores_are_found():
    verdict = the_verdict(RULE, window())
    assert verdict.subject.cgroup == GROUP
    assert "8 threads at a time on a quota of 2 cores" in verdict.headline
    changes = [each.change for each in verdict.recommendations]
    assert changes[0] == Variable("shop", "GOMAXPROCS", "", "2")
    assert CpuQuota("shop", GROUP, 2.0, 2.4) in changes


def test_the_quota_of_a_group_above_binds_too():
    verdict = the_verdict(RULE, window(quota=("/system.slice", 2.0, 0.4)))
    assert verdict.subject.cgroup == "/system.slice"


def test_what_the_runtime_does_not_tell_its_environment_or_version_does():
    assert "4 threads" in the_verdict(RULE, window(told=0, env__GOMAXPROCS="4")).headline
    inferred = the_verdict(RULE, window(told=0))
    assert "8 threads" in inferred.headline
    assert [each.kind for each in inferred.evidence].count("missing") == 1


def test_a_version_that_may_follow_the_quota_is_unknown_without_its_own_word():
    assert verdicts(RULE, window(told=0, runtime_version="1.25.1")) is None
    assert "8 threads" in the_verdict(RULE, window(runtime_version="1.25.1")).headline


@pytest.mark.parametrize(
    "odd",
    [{"told": 2.0}, {"quota": (GROUP, 2.0, 0.001)}, {"quota": ("/other.slice", 2.0, 0.4)}, {"quota": None}],
    ids=["as many as cores", "never held back", "another group's", "no quota"],
)
def test_what_the_quota_does_not_bind_is_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


def test_a_recorded_one_without_a_quota_is_no_finding():
    assert verdicts(RULE, recorded("go-mutex-5ms")) == []


def test_without_facts_of_go_services_it_is_unknown():
    samples = recorded("go-mutex-5ms")
    facts = [name for name in samples.facts if name.startswith("service.")]
    assert verdicts(RULE, without(samples, facts=facts)) is None
