"""`/rules`."""

from __future__ import annotations

import pytest

from diagnose.correlate import catalogue

pytestmark = pytest.mark.django_db


def test_all_rules_come_with_their_documentation(ask) -> None:
    found = ask("/rules")
    assert [each["id"] for each in found["results"]] == [rule.id for rule in catalogue.all_rules()]
    assert all(len(each["sections"]) == 5 for each in found["results"])
    assert sum(band["count"] for band in found["reliability"]) > 0


def test_one_rule_has_its_thresholds(ask) -> None:
    found = ask("/rules/network.conntrack_full")
    assert {"name": "FULL", "value": "0.95", "text": "of the limit"} in found["thresholds"]


def test_one_that_does_not_exist_is_told_with_the_remedy(ask) -> None:
    assert "/api/v1/rules" in ask("/rules/a.mood", status=404)["detail"]
