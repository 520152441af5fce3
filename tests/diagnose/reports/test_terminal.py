"""Triage, findings and advice as lines for a terminal."""

from diagnose.correlate.engine import evaluate
from diagnose.findings.advice.fitting import fitted
from diagnose.reports.terminal import WIDTH, text
from tests.diagnose.correlate.windows import recorded


def told(name):
    samples = recorded(name)
    return text(samples, fitted(evaluate(samples), samples), ())


def test_a_finding_comes_with_its_evidence_advice_and_what_will_not_help():
    lines = told("small_backlog")
    assert "1. " in lines
    assert "network.accept_queue_overflow, " in lines
    assert "- supports: " in lines
    assert "Computed: " in lines
    assert "Undo: " in lines
    assert "raise net.core.somaxconn alone" in lines


def test_symptoms_stand_under_their_cause_and_are_not_numbered():
    lines = told("gil_contention")
    assert "1 finding\n" in lines
    assert "   Explains\n" in lines


def test_health_is_said_too_with_what_was_not_checked():
    lines = told("idle-usual")
    assert "No findings\n" in lines
    assert "Not checked, for want of readings: " in lines


def test_headlines_and_evidence_fit_the_terminal():
    for line in told("small_backlog").splitlines():
        if line.startswith(("1. ", "     - ")):
            assert len(line) <= WIDTH
