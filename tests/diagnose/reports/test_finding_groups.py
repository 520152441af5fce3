"""Folding symptoms under their root cause."""

from diagnose.reports.finding_groups import fold


def finding(id, explained_by=None):
    return {"id": id, "explained_by": explained_by}


def shape(groups):
    return [(group.root["id"], [each["id"] for each in group.symptoms]) for group in groups]


def test_a_chain_of_causes_is_one_group():
    found = [finding("gil"), finding("queue", "acceptor"), finding("acceptor", "gil"), finding("other")]
    assert shape(fold(found)) == [("gil", ["queue", "acceptor"]), ("other", [])]


def test_a_symptom_whose_cause_is_not_listed_stands_for_itself():
    assert shape(fold([finding("queue", "elsewhere")])) == [("queue", [])]


def test_a_loop_of_causes_loses_no_finding():
    found = [finding("c", "a"), finding("a", "b"), finding("b", "a")]
    assert sorted(id for root, symptoms in shape(fold(found)) for id in (root, *symptoms)) == ["a", "b", "c"]
