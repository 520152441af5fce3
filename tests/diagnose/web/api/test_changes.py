"""`/changes`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from diagnose.models import Change, Finding, Host
from diagnose.models.change import ChangeLink

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def change(host: Host):
    def make(minutes_ago: float = 5, **fields) -> Change:
        given = {
            "host": host,
            "kind": "setting",
            "name": "sysctl.vm.swappiness",
            "before": "60",
            "after": "1",
        }
        return Change.objects.create(**(given | fields), at=NOW - timedelta(minutes=minutes_ago))

    return make


def test_changes_come_latest_first_with_all_about_them(ask, change, host):
    old, new = change(30), change(5, service="shop", kind="limit", name="service.shop.limit.nofile")
    found = ask("/changes")["results"]
    assert [each["id"] for each in found] == [new.id, old.id]
    assert found[0]["host"] == {"id": host.pk, "name": host.name}
    assert (found[1]["before"], found[1]["after"], found[1]["service"]) == ("60", "1", None)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("kind=limit", {"limit"}),
        ("service=shop", {"limit", "deploy", "sysctl"}),
        ("service=mail", {"sysctl"}),
        ("host=web-1", {"limit", "deploy", "sysctl"}),
        ("host=web-2", {"deploy"}),
        ("since=-10m", {"limit"}),
        ("until=-10m", {"deploy", "sysctl"}),
    ],
)
def test_they_are_chosen_by_host_service_kind_and_time(ask, change, asked, names):
    Host.objects.create(identity="b" * 32, name="web-2")
    change(5, service="shop", kind="limit", name="limit")
    change(20, host=None, service="shop", kind="deploy", name="deploy", origin="declared")
    change(30, name="sysctl")
    assert {each["name"] for each in ask(f"/changes?{asked}")["results"]} == names


def test_one_has_the_findings_close_to_it(ask, change, host):
    finding = Finding.objects.create(
        host=host, rule="r", subject_key="", headline="slow", confidence=0.9, impact_share=0.1, opened_at=NOW,
        last_seen_at=NOW, window_from=NOW, window_to=NOW,
    )  # fmt: skip
    made = change()
    ChangeLink.objects.create(change=made, finding=finding, relation="before")
    found = ask(f"/changes/{made.id}")
    assert found["findings"] == [{"id": finding.id, "relation": "before", "headline": "slow"}]
    assert found["url"].endswith(f"#change-{made.id}")


def test_one_that_does_not_exist_is_said_with_the_remedy(ask):
    assert "/api/v1/changes" in ask("/changes/nothing", status=404)["detail"]


def test_a_kind_that_does_not_exist_is_refused(ask):
    assert "setting" in ask("/changes?kind=mood", status=422)["errors"]["kind"]
