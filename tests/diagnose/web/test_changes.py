"""The Changes page, and what a finding's page shows of changes."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.html import escape

from diagnose.models import Change, Host
from diagnose.models.change import ChangeLink

pytestmark = pytest.mark.django_db


@pytest.fixture
def changed(host):
    def make(**fields) -> Change:
        given = {"host": host, "kind": "setting", "name": "sysctl.net.core.somaxconn"}
        values = {"before": "128", "after": "<4096>", "at": datetime.now(UTC) - timedelta(hours=2)}
        return Change.objects.create(**(given | values | fields))

    return make


def text(client, path):
    return " ".join(client.get(path).content.decode().split())


def test_without_changes_it_says_what_will_come(seen):
    assert "Nothing changed in this time range" in text(seen, "/changes")


def test_a_change_shows_what_was_and_what_is(seen, changed, host):
    change = changed()
    shown = text(seen, "/changes")
    assert f'id="change-{change.id}"' in shown
    for part in (change.name, "128", escape("<4096>"), host.name):
        assert part in shown


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("", True),
        ("?from=-1h", False),
        ("?kind=limit", False),
        ("?kind=nonsense", True),
        ("?host=web-1", True),
    ],
)
def test_it_is_filtered_by_the_address(seen, changed, asked, there):
    changed()
    Host.objects.create(identity="c" * 32, name="other")
    assert ("sysctl.net.core.somaxconn" in text(seen, f"/changes{asked}")) == there


def test_a_finding_shows_what_changed_before_and_during_it(seen, faulty, changed):
    finding = faulty("small_backlog")
    ChangeLink.objects.create(change=changed(), finding=finding, relation="before")
    shown = text(seen, f"/findings/{finding.pk}")
    assert "What changed around it" in shown
    assert "change detected" not in shown
    later = changed(name="service.shop.started", kind="restart")
    ChangeLink.objects.create(change=later, finding=finding, relation="during")
    assert "change detected" in text(seen, f"/findings/{finding.pk}")


def test_the_number_of_queries_does_not_grow_with_the_changes(seen, changed, django_assert_max_num_queries):
    for number in range(20):
        changed(name=f"sysctl.{number}")
    with django_assert_max_num_queries(10):
        seen.get("/changes")
