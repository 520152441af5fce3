"""What people do about findings is kept with who and why, and audited."""

from datetime import UTC, datetime, timedelta

import pytest

from diagnose.access.actor import Actor
from diagnose.access.problems import Problem
from diagnose.findings import actions
from diagnose.findings.record import record
from diagnose.models import AuditEntry
from diagnose.models.access import Role
from tests.diagnose.findings.evaluations import at, evaluation, judgement

OSKAR = Actor("oskar", Role.OPERATOR, None, None, "192.0.2.7")


@pytest.fixture
def finding(host):
    return record(host, evaluation(judgement()), at(0))[0]


@pytest.mark.parametrize(
    ("kind", "act"),
    [
        ("acknowledge", lambda f: actions.acknowledge(f, OSKAR, "mine")),
        ("mute", lambda f: actions.mute(f, OSKAR, seconds=60, reason="mine")),
        ("applied", lambda f: actions.applied(f, OSKAR, "mine")),
        ("feedback", lambda f: actions.feedback(f, OSKAR, right=False, text="mine")),
    ],
)
def test_every_action_is_noted_and_audited_with_who_and_why(finding, kind, act):
    act(finding)
    note = finding.notes.get()
    assert (note.actor, note.kind) == ("oskar", kind)
    assert "mine" in note.text
    entry = AuditEntry.objects.get(action=f"{kind} finding")
    assert (entry.actor, entry.subject, entry.address) == ("oskar", finding.id, "192.0.2.7")


def test_acknowledging_names_who_looks_after_it(finding):
    assert actions.acknowledge(finding, OSKAR).acknowledged_by == "oskar"


def test_muting_takes_it_out_of_the_ranking_for_that_long(finding):
    muted = actions.mute(finding, OSKAR, seconds=3600)
    assert (muted.state, muted.rank) == ("muted", 0)
    assert timedelta(minutes=59) < muted.muted_until - datetime.now(UTC) <= timedelta(minutes=60)
    back = actions.unmute(muted, OSKAR)
    assert (back.state, back.rank, back.muted_until) == ("open", 1, None)


@pytest.mark.parametrize("seconds", [0, -5, 91 * 86400])
def test_a_mute_of_no_time_or_for_ever_is_refused(finding, seconds):
    with pytest.raises(Problem) as caught:
        actions.mute(finding, OSKAR, seconds=seconds)
    assert (caught.value.status, set(caught.value.errors)) == (422, {"seconds"})


def test_a_resolved_finding_cannot_be_muted(finding):
    record(finding.host, evaluation(), at(10))
    record(finding.host, evaluation(), at(200))
    finding.refresh_from_db()
    with pytest.raises(Problem) as caught:
        actions.mute(finding, OSKAR, seconds=60)
    assert caught.value.status == 409


def test_an_action_keeps_what_an_evaluation_wrote_meanwhile(finding):
    record(finding.host, evaluation(judgement(headline="worse now")), at(5))
    assert actions.acknowledge(finding, OSKAR).headline == "worse now"


def test_too_long_a_note_is_refused(finding):
    with pytest.raises(Problem):
        actions.applied(finding, OSKAR, "x" * 5001)
