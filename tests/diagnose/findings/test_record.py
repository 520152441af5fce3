"""The life of a finding: opened once, updated, folded, muted, closed after three quiet minutes."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection

from diagnose.findings.record import record
from diagnose.models import Finding, Host
from tests.diagnose.findings.evaluations import GIL, HOT, QUEUE, START, at, evaluation, judgement


def test_a_verdict_opens_a_finding_and_the_next_one_updates_it(host):
    (first,) = record(host, evaluation(judgement()), at(0))
    (second,) = record(host, evaluation(judgement(headline="drops more", share=0.8)), at(5))
    assert first.id == second.id
    finding = Finding.objects.get()
    assert (finding.headline, finding.impact_share) == ("drops more", 0.8)
    assert finding.opened_at == START
    assert finding.last_seen_at == START + timedelta(seconds=5)


def test_a_restarted_process_is_the_same_finding(host):
    record(host, evaluation(judgement(pid=812)), at(0))
    record(host, evaluation(judgement(pid=900)), at(30))
    assert Finding.objects.get().detail["subject"]["pid"] == 900


def test_another_service_is_another_finding(host):
    record(host, evaluation(judgement(), judgement(service="blog")), at(0))
    assert Finding.objects.count() == 2


def test_three_quiet_minutes_resolve_it(host):
    record(host, evaluation(judgement()), at(0))
    record(host, evaluation(), at(10))
    record(host, evaluation(), at(180))
    assert Finding.objects.get().state == "open"
    record(host, evaluation(), at(191))
    finding = Finding.objects.get()
    assert (finding.state, finding.rank) == ("resolved", 0)
    assert finding.closed_at == START + timedelta(seconds=191)


def test_trouble_that_comes_back_within_three_minutes_is_the_same_finding(host):
    record(host, evaluation(judgement()), at(0))
    record(host, evaluation(), at(60))
    record(host, evaluation(judgement()), at(120))
    record(host, evaluation(), at(200))
    record(host, evaluation(), at(330))
    assert Finding.objects.get().state == "open"


def test_trouble_that_comes_back_after_it_was_resolved_reopens_the_finding(host):
    for seconds, found in ((0, [judgement()]), (10, []), (191, []), (200, [judgement()])):
        record(host, evaluation(*found), at(seconds))
    finding = Finding.objects.get()
    assert (finding.state, finding.closed_at) == ("open", None)
    assert (finding.opened_at, finding.since) == (START, START + timedelta(seconds=200))
    assert finding.episodes == [{"from": START.isoformat(), "to": START.isoformat()}]
    assert [(note.kind, note.text) for note in finding.notes.all()] == [("reopened", "came back after 200 s")]


def test_trouble_that_comes_back_days_later_is_a_new_finding(host):
    day = 86_400
    for seconds, found in ((0, [judgement()]), (10, []), (191, []), (2 * day, [judgement()])):
        record(host, evaluation(*found), at(seconds))
    assert list(Finding.objects.order_by("opened_at").values_list("state", flat=True)) == ["resolved", "open"]


def test_a_relapse_needs_somebody_to_look_after_it_again(host):
    (finding,) = record(host, evaluation(judgement()), at(0))
    Finding.objects.update(acknowledged_by="ada", acknowledged_at=START)
    for seconds, found in ((10, []), (191, []), (200, [judgement()])):
        record(host, evaluation(*found), at(seconds))
    assert Finding.objects.get(pk=finding.pk).acknowledged_by == ""


def test_silence_of_the_collector_is_not_quiet(host):
    """Its first window after an hour shows nothing: three minutes of that are still to come."""
    record(host, evaluation(judgement()), at(0))
    record(host, evaluation(), at(3600))
    assert Finding.objects.get().state == "open"


def test_a_rule_that_could_not_be_checked_resolves_nothing_soon(host):
    record(host, evaluation(judgement()), at(0))
    for seconds in (10, 200, 800):
        record(host, evaluation(unknown=[QUEUE]), at(seconds))
    assert Finding.objects.get().state == "open"


def test_what_was_not_seen_for_a_quarter_of_an_hour_is_gone(host):
    record(host, evaluation(judgement()), at(0))
    for seconds in (10, 911):
        record(host, evaluation(unknown=[QUEUE]), at(seconds))
    assert Finding.objects.get().state == "resolved"


def test_a_late_older_evaluation_changes_nothing(host):
    record(host, evaluation(judgement(headline="now")), at(60))
    assert record(host, evaluation(judgement(headline="before"), judgement(service="blog")), at(30)) == []
    assert Finding.objects.get().headline == "now"


def test_a_symptom_is_folded_under_its_cause(host):
    record(host, evaluation(judgement(QUEUE, explained_by=1), judgement(GIL)), at(0))
    symptom, cause = Finding.objects.get(rule=QUEUE), Finding.objects.get(rule=GIL)
    assert symptom.explained_by == cause
    assert (cause.rank, symptom.rank) == (1, 0)


def test_a_symptom_that_was_there_first_is_folded_when_its_cause_is_found(host):
    record(host, evaluation(judgement(QUEUE)), at(0))
    record(host, evaluation(judgement(QUEUE, explained_by=1), judgement(GIL)), at(20))
    assert Finding.objects.get(rule=QUEUE).explained_by.rule == GIL


def test_a_cause_that_flickers_keeps_its_symptom_while_it_is_open(host):
    record(host, evaluation(judgement(QUEUE, explained_by=1), judgement(GIL)), at(0))
    for seconds in (50, 170):
        record(host, evaluation(judgement(QUEUE)), at(seconds))
        assert Finding.objects.get(rule=QUEUE).explained_by is not None
    record(host, evaluation(judgement(QUEUE)), at(235))
    assert Finding.objects.get(rule=GIL).state == "resolved"
    assert Finding.objects.get(rule=QUEUE).explained_by is None


def roots():
    return list(Finding.objects.filter(explained_by=None).values_list("rule", flat=True))


@pytest.mark.parametrize("rules", [(GIL, HOT), (HOT, GIL)])
def test_two_findings_of_one_process_that_show_in_turns_are_folded_at_once(host, rules):
    for seconds, rule in enumerate(rules):
        record(host, evaluation(judgement(rule)), at(seconds))
    assert roots() == [GIL]


def test_findings_of_two_processes_that_show_in_turns_stay_apart(host):
    record(host, evaluation(judgement(GIL)), at(0))
    record(host, evaluation(judgement(HOT, pid=900)), at(1))
    assert len(roots()) == 2


def test_a_chain_that_shows_link_by_link_is_folded_link_by_link(host):
    for seconds, rule in enumerate((QUEUE, GIL, HOT)):
        record(host, evaluation(judgement(rule)), at(seconds))
    assert Finding.objects.get(rule=QUEUE).explained_by.rule == HOT
    assert Finding.objects.get(rule=HOT).explained_by.rule == GIL


def test_a_root_costs_at_least_what_any_symptom_of_its_chain_costs(host):
    chain = [
        judgement(QUEUE, share=0.9, explained_by=1),
        judgement(HOT, share=0.83, explained_by=2),
        judgement(GIL, share=0.26),
    ]
    record(host, evaluation(*chain), at(0))
    assert {finding.rule: finding.impact_share for finding in Finding.objects.all()} == {
        QUEUE: 0.9,
        HOT: 0.9,
        GIL: 0.9,
    }
    assert Finding.objects.get(rule=GIL).detail["impact"]["share"] == 0.9
    record(host, evaluation(judgement(HOT, share=0.1, explained_by=1), judgement(GIL, share=0.26)), at(5))
    for seconds in (200, 385):  # the last of the symptoms is resolved
        record(host, evaluation(judgement(GIL, share=0.26)), at(seconds))
    assert Finding.objects.get(rule=GIL).impact_share == 0.26


def test_a_restarted_process_leaves_its_old_cause_behind(host):
    record(host, evaluation(judgement(QUEUE, explained_by=1), judgement(GIL)), at(0))
    record(host, evaluation(judgement(QUEUE, pid=900)), at(10))
    assert Finding.objects.get(rule=QUEUE).explained_by is None


def test_what_went_quiet_ranks_behind_what_is_seen_now(host):
    record(host, evaluation(judgement(GIL, share=0.9, pid=900)), at(0))
    record(host, evaluation(judgement(QUEUE, share=0.1)), at(10))
    assert list(Finding.objects.order_by("rank").values_list("rule", flat=True)) == [QUEUE, GIL]


def test_workers_of_one_subject_give_one_finding_of_the_worst(host):
    record(host, evaluation(judgement(pid=1, share=0.2), judgement(pid=2, share=0.9)), at(0))
    assert Finding.objects.get().detail["subject"]["pid"] == 2


def test_two_processes_that_are_worse_off_alike_give_one_finding(host):
    record(host, evaluation(judgement(), judgement()), at(0))
    assert Finding.objects.count() == 1


def mute(seconds):
    until = START + timedelta(seconds=seconds)
    Finding.objects.update(state="muted", muted_until=until)


def test_a_muted_finding_stays_muted_until_its_time_is_over(host):
    record(host, evaluation(judgement()), at(0))
    mute(600)
    record(host, evaluation(judgement()), at(500))
    assert (Finding.objects.get().state, Finding.objects.get().rank) == ("muted", 0)
    record(host, evaluation(judgement()), at(601))
    assert (Finding.objects.get().state, Finding.objects.get().rank) == ("open", 1)


def test_a_muted_finding_that_goes_and_comes_back_opens_no_new_one(host):
    record(host, evaluation(judgement()), at(0))
    mute(3600)
    for seconds in (10, 200, 400):
        record(host, evaluation(), at(seconds))
    record(host, evaluation(judgement()), at(500))
    assert Finding.objects.get().state == "muted"


def test_a_muted_finding_that_is_gone_resolves_when_its_time_is_over(host):
    record(host, evaluation(judgement()), at(0))
    mute(600)
    record(host, evaluation(), at(100))
    record(host, evaluation(), at(601))
    assert Finding.objects.get().state == "resolved"


def test_the_worst_root_cause_of_all_hosts_ranks_first(host):
    other = Host.objects.create(identity="f" * 32, name="web-2")
    record(host, evaluation(judgement(share=0.3), judgement(GIL, share=0.2, pid=900)), at(0))
    record(other, evaluation(judgement(share=0.9, confidence=0.6)), at(0))
    ranked = Finding.objects.order_by("rank").values_list("host__name", "rule")
    assert list(ranked) == [("web-2", QUEUE), ("web-1", QUEUE), ("web-1", GIL)]


@pytest.mark.django_db(transaction=True)
def test_evaluations_at_the_same_time_open_one_finding(host):
    ready = threading.Barrier(4)
    failures = []

    def evaluate(seconds):
        try:
            ready.wait(10)
            record(host, evaluation(judgement(), judgement(GIL, pid=900)), at(seconds))
        except DatabaseError as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=evaluate, args=(seconds,)) for seconds in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert Finding.objects.count() == 2
    assert sorted(Finding.objects.values_list("rank", flat=True)) == [1, 2]
