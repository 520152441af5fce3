"""From facts that took another value to changes, and to the findings near which they lie."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from diagnose.changes import query
from diagnose.changes.follow import follow
from diagnose.ingest.content import FactReading
from diagnose.ingest.hoststate import set_facts
from diagnose.models import Change, Finding, Host
from diagnose.models.change import ChangeLink

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC).replace(microsecond=0)
SOMAXCONN = "sysctl.net.core.somaxconn"


def told(host: Host, name: str, value: str, minutes_ago: float) -> None:
    at_ns = int((NOW - timedelta(minutes=minutes_ago)).timestamp()) * 10**9
    set_facts(host, [FactReading(name, value, at_ns)])


@pytest.fixture
def trouble(host):
    """A finding that began ten minutes ago, give or take ten seconds, and is there still."""

    def make(service: str = "", **fields) -> Finding:
        began = NOW - timedelta(minutes=10)
        times = {"at": began, "from": began - timedelta(seconds=10), "to": began + timedelta(seconds=10)}
        return Finding.objects.create(
            **{
                "host": host,
                "rule": "network.accept_queue_overflow",
                "service": service,
                "subject_key": f"{service}|8080",
                "headline": "connections are dropped",
                "confidence": 0.9,
                "impact_share": 0.3,
                "opened_at": began + timedelta(seconds=20),
                "last_seen_at": NOW,
                "window_from": NOW - timedelta(seconds=120),
                "window_to": NOW,
                "detail": {"onset": {name: at.isoformat() for name, at in times.items()}},
                **fields,
            }
        )

    return make


def links(finding: Finding) -> list[tuple[str, str]]:
    return [(link.change.name, link.relation) for link in query.of_finding(finding)]


def test_a_fact_that_took_another_value_is_a_change_once(host):
    told(host, SOMAXCONN, "128", 60)
    told(host, SOMAXCONN, "4096", 30)
    follow()
    follow()
    change = Change.objects.get()
    assert (change.kind, change.before, change.after) == ("setting", "128", "4096")
    assert change.at == NOW - timedelta(minutes=30)
    assert (change.host, change.service, change.origin) == (host, "", "detected")


def test_what_nobody_changed_is_followed_and_left_out(host):
    for value, ago in (("1", 60), ("2", 30)):
        told(host, "irq.24.affinity", value, ago)
    follow()
    assert not Change.objects.exists()


def test_a_late_reading_corrects_when_it_changed(host):
    told(host, SOMAXCONN, "128", 60)
    told(host, SOMAXCONN, "4096", 20)
    follow()
    told(host, SOMAXCONN, "4096", 40)
    follow()
    assert [change.at for change in Change.objects.all()] == [NOW - timedelta(minutes=40)]


@pytest.mark.parametrize(
    ("minutes_ago", "relation"),
    [(21, None), (15, "before"), (10, "before"), (9.5, "before"), (5, "during"), (0, "during")],
)
def test_it_is_tied_to_a_finding_by_when_that_began(host, trouble, minutes_ago, relation):
    finding = trouble()
    told(host, SOMAXCONN, "128", 60)
    told(host, SOMAXCONN, "4096", minutes_ago)
    follow()
    assert links(finding) == ([] if relation is None else [(SOMAXCONN, relation)])


def test_what_changed_after_a_finding_was_over_is_not_tied_to_it(host, trouble):
    over = NOW - timedelta(minutes=6)
    finding = trouble(state="resolved", last_seen_at=over, closed_at=over + timedelta(minutes=3))
    told(host, SOMAXCONN, "128", 60)
    told(host, SOMAXCONN, "4096", 1)
    follow()
    assert links(finding) == []


def test_a_change_of_one_service_is_nothing_to_another(host, trouble):
    ours, theirs, everybodys = trouble("shop"), trouble("mail"), trouble()
    told(host, "service.shop.limit.nofile", "1024 4096", 60)
    told(host, "service.shop.limit.nofile", "65536 65536", 5)
    follow()
    assert [links(each) != [] for each in (ours, theirs, everybodys)] == [True, False, True]


def test_a_change_of_another_host_is_nothing_to_this_one(host, trouble):
    finding, other = trouble(), Host.objects.create(identity="b" * 32, name="web-2")
    told(other, SOMAXCONN, "128", 60)
    told(other, SOMAXCONN, "4096", 5)
    follow()
    assert links(finding) == []


def test_a_finding_that_opens_after_the_change_was_seen_is_tied_to_it_too(host, trouble):
    told(host, SOMAXCONN, "128", 60)
    told(host, SOMAXCONN, "4096", 11)
    follow()
    finding = trouble()
    follow()
    assert links(finding) == [(SOMAXCONN, "before")]


def test_a_change_during_a_finding_is_noted_in_its_history_once(host, trouble):
    finding = trouble()
    told(host, SOMAXCONN, "128", 60)
    told(host, SOMAXCONN, "4096", 5)
    follow()
    follow()
    note = finding.notes.get()
    assert (note.kind, note.actor) == ("change detected", "Diagnose")
    assert note.text == f"{SOMAXCONN}: 128 → 4096"


def test_without_an_onset_the_window_it_was_found_in_counts(host, trouble):
    finding = trouble(detail={})
    told(host, SOMAXCONN, "128", 60)
    told(host, SOMAXCONN, "4096", 20)
    follow()
    assert links(finding) == [(SOMAXCONN, "before")]


def test_a_declared_change_for_all_hosts_concerns_each(host, trouble):
    finding = trouble("shop")
    Change.objects.create(
        kind="deploy",
        service="shop",
        name="shop",
        after="2.1",
        at=NOW - timedelta(minutes=11),
        origin="declared",
    )
    follow()
    assert links(finding) == [("shop", "before")]


def test_nothing_new_costs_little(host, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        follow()
    assert not ChangeLink.objects.exists()
