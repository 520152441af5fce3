"""What could not be checked is kept with the last evaluation."""

from __future__ import annotations

import pytest

from diagnose.correlate import catalogue
from diagnose.findings import unchecked
from diagnose.findings.record import record
from diagnose.models import HostEvaluation
from tests.diagnose.findings.evaluations import at, evaluation

pytestmark = pytest.mark.django_db
RULE = "network.packet_loss"


def test_each_rule_that_was_unknown_is_kept_with_why(host):
    record(host, evaluation(unknown=[RULE]), at(0))
    kept = unchecked.of_host(host.pk)
    assert kept.unknown == [{"what": RULE, "why": "no data"}]
    assert kept.checked == len(catalogue.all_rules()) - 1
    assert kept.at == at(0).end


def test_the_last_evaluation_counts_and_the_same_is_not_written_again_at_once(host):
    record(host, evaluation(unknown=[RULE]), at(0))
    record(host, evaluation(unknown=[RULE]), at(5))
    assert unchecked.of_host(host.pk).at == at(0).end
    record(host, evaluation(), at(10))
    assert unchecked.of_host(host.pk).unknown == []
    record(host, evaluation(), at(75))
    assert unchecked.of_host(host.pk).at == at(75).end
    assert HostEvaluation.objects.count() == 1


def test_a_host_that_was_never_judged_has_none(host):
    assert unchecked.of_host(host.pk) is None
