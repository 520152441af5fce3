"""Evaluations made by hand, for the life of findings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from diagnose.correlate.engine import Evaluation, Judgement
from diagnose.correlate.rule import (
    Backlog,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
)
from diagnose.findings.record import Window

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
QUEUE = "network.accept_queue_overflow"
GIL = "python.gil_contention"
HOT = "app.hot_function"
EXPLAINS = {GIL: (HOT, QUEUE), HOT: (QUEUE,)}


def judgement(
    rule=QUEUE, *, share=0.5, confidence=0.9, pid=812, service="shop", explained_by=None, headline="drops"
):
    verdict = Verdict(
        subject=Subject(service, pid, "0.0.0.0:8080" if rule == QUEUE else ""),
        headline=headline,
        impact=Impact(share, 285, "connections/s", "285 connections/s are refused"),
        evidence=(
            Evidence(
                "supports", "decides", "285 drops/s", "listener_drops_total", 285, "1/s", 0, "inet_diag"
            ),
            Evidence("missing", "corroborates", "no stacks", profile="wall"),
        ),
        ruled_out=(RuledOut("app.acceptor_stalled", "the queue drains"),),
        recommendations=(
            Recommendation(
                Backlog("0.0.0.0:8080", "shop", 16, 1024), "285 × 1 s", "none lost", "low", "", "service"
            ),
        ),
        will_not_help=(WillNotHelp("raise somaxconn", "it asked for 16"),),
        unknown=(Unknown("latency", "not measured"),),
        explains=EXPLAINS.get(rule, ()),
    )
    return Judgement(rule, verdict, confidence, False, explained_by)


def evaluation(*judgements, unknown=()):
    return Evaluation(judgements, tuple(Unknown(rule, "no data") for rule in unknown))


def at(seconds):
    """The window that ends so long after START."""
    end = START + timedelta(seconds=seconds)
    return Window(end - timedelta(seconds=120), end)
