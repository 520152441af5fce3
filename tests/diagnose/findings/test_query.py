"""Findings as they are asked for, best first."""

from datetime import timedelta

import pytest

from diagnose.access.problems import Problem
from diagnose.findings import query
from diagnose.findings.record import record
from diagnose.models import Finding, Host
from tests.diagnose.findings.evaluations import GIL, QUEUE, START, at, evaluation, judgement


@pytest.fixture
def several(host):
    """An old resolved one, a root cause with its symptom, and a small one of another service."""
    record(host, evaluation(judgement(service="old")), at(0))
    for seconds in (10, 200):
        record(host, evaluation(), at(seconds))
    small = judgement(GIL, service="blog", share=0.1)
    record(host, evaluation(judgement(explained_by=1), judgement(GIL), small), at(1000))
    return host


def named(found):
    return [(each.rule, each.service) for each in found]


def test_root_causes_come_first_by_rank_then_symptoms(several):
    assert named(query.list_findings()) == [(GIL, "shop"), (GIL, "blog"), (QUEUE, "shop")]


def test_resolved_ones_come_last_and_only_when_asked_for(several):
    assert named(query.list_findings("resolved")) == [(QUEUE, "old")]
    assert named(query.list_findings("all"))[-1] == (QUEUE, "old")


def test_filters_narrow(several):
    other = Host.objects.create(identity="f" * 32, name="web-2")
    assert named(query.list_findings(service="blog")) == [(GIL, "blog")]
    assert named(query.list_findings(rule=QUEUE)) == [(QUEUE, "shop")]
    assert named(query.list_findings(host=other)) == []


def test_a_time_range_keeps_what_was_there_in_it(several):
    early, late = START + timedelta(seconds=100), START + timedelta(seconds=900)
    assert named(query.list_findings("all", until=early)) == [(QUEUE, "old")]
    assert (QUEUE, "old") not in named(query.list_findings("all", since=late))
    assert (QUEUE, "old") in named(
        query.list_findings("all", since=START - timedelta(seconds=1), until=early)
    )


def test_a_state_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(Problem) as caught:
        query.list_findings("closed")
    assert caught.value.status == 422
    assert "resolved" in caught.value.detail


def test_a_finding_that_does_not_exist_is_a_404(db):
    with pytest.raises(Problem) as caught:
        query.get("01NONE")
    assert caught.value.status == 404


def test_a_list_costs_as_many_queries_for_ten_as_for_two(host, django_assert_num_queries):
    from diagnose.findings.describe import as_json

    record(host, evaluation(*(judgement(service=f"s{n}") for n in range(10))), at(0))
    with django_assert_num_queries(3):
        assert len([as_json(each) for each in query.list_findings()]) == 10
    assert Finding.objects.count() == 10
