"""From stored readings to findings: load, reason, record, on recorded windows in a real store."""

from datetime import UTC, datetime, timedelta

import pytest

from diagnose import evaluations
from diagnose.correlate import load
from diagnose.findings import evaluate, query
from diagnose.findings.describe import as_json
from diagnose.findings.evaluate import evaluate_host
from diagnose.models import ProbeState
from tests.diagnose.correlate.windows import recorded
from tests.diagnose.findings.stored import store

NOW = datetime.now(UTC)  # the store takes nothing that is past its retention


@pytest.fixture
def evaluated(host, data_dir):
    """Findings of a recorded window."""

    def evaluate(window):
        store(host, recorded(window), NOW)
        evaluate_host(host.pk, NOW + timedelta(seconds=1))
        return [as_json(finding) for finding in query.list_findings()]

    return evaluate


@pytest.mark.parametrize(
    ("window", "rule"),
    [
        ("gil_contention", "python.gil_contention"),
        ("small_backlog", "network.accept_queue_overflow"),
        ("fd_leak", "limits.process_fds"),
    ],
)
def test_a_stored_fault_becomes_one_top_finding(evaluated, window, rule):
    found = evaluated(window)
    assert [each["rule"] for each in found if each["explained_by"] is None] == [rule]
    assert found[0]["rank"] == 1
    assert found[0]["subject"]["service"] == "service.py"


def test_the_hot_function_is_folded_under_the_lock_it_holds(evaluated):
    top, *folded = evaluated("gil_contention")
    assert [each["rule"] for each in folded] == ["app.hot_function"]
    assert folded[0]["explained_by"] == top["id"]
    assert "price_basket" in top["headline"]


def test_a_healthy_host_has_no_finding(evaluated):
    assert evaluated("healthy") == []


def test_a_host_that_sent_nothing_is_not_judged(host, data_dir):
    assert evaluate_host(host.pk, NOW) == []
    assert evaluate_host(10**6, NOW) == []


def test_what_is_loaded_is_what_was_recorded(host, data_dir):
    ProbeState.objects.create(host=host, probe="listeners", ok=False, reason="no netlink", updated_at=NOW)
    given = recorded("gil_contention")
    store(host, given, NOW)
    loaded = load.window(host, NOW - timedelta(seconds=150), NOW)
    assert loaded is not None
    assert loaded.seconds == pytest.approx(given.seconds, abs=0.01)
    assert set(loaded.series) == set(given.series) & set(load.metrics())
    for metric, group in loaded.series.items():
        assert [each.total for each in group] == pytest.approx([each.total for each in given.of(metric)])
    assert {each.type: each.count for each in loaded.profiles} == {
        each.type: each.count for each in given.profiles
    }
    assert loaded.facts == given.facts
    assert [(each.probe, each.reason) for each in loaded.failures] == [("listeners", "no netlink")]


@pytest.fixture
def all_due(valkey, monkeypatch):
    """Hosts 1, 2 and 3 are due; the names of tasks that are sent."""
    sent: list[str] = []
    monkeypatch.setattr(evaluations.app, "send_task", lambda name, args, countdown: sent.append(name))
    monkeypatch.setattr(evaluations, "DELAY_SECONDS", 0.0)
    evaluations.ask([1, 2, 3])
    sent.clear()
    return sent


def test_a_host_that_cannot_be_evaluated_does_not_hold_up_the_others(all_due, monkeypatch, caplog):
    seen: list[int] = []

    def look(host_id: int) -> None:
        seen.append(host_id)
        if host_id == 2:
            raise ValueError("a broken rule")

    monkeypatch.setattr(evaluate, "evaluate_host", look)
    evaluate.evaluate_due()
    assert sorted(seen) == [1, 2, 3]
    assert "host 2 cannot be evaluated" in caplog.text
    assert all_due == []


def test_hosts_that_are_not_due_yet_are_come_back_to(all_due, monkeypatch):
    monkeypatch.setattr(evaluate, "evaluate_host", lambda _: None)
    monkeypatch.setattr(evaluations, "DELAY_SECONDS", 60.0)
    evaluations.ask([4])
    evaluate.evaluate_due()
    assert all_due == ["diagnose.tasks.evaluate_due"]
