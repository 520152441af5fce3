"""`/findings`: answers fit their description, and what people do is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from diagnose.findings.evaluate import evaluate_host
from diagnose.models import AuditEntry, Finding, FindingNote, Host, User
from tests.diagnose.correlate.windows import recorded
from tests.diagnose.findings.stored import store

pytestmark = pytest.mark.django_db


@pytest.fixture
def cause(host: Host, data_dir) -> Finding:
    """The recorded contention, whose hot function is folded under it."""
    now = datetime.now(UTC)
    store(host, recorded("gil_contention"), now)
    evaluate_host(host.pk, now + timedelta(seconds=1))
    return Finding.objects.get(explained_by=None)


def test_findings_come_best_first_with_all_that_is_described(ask, cause: Finding) -> None:
    first, second = ask("/findings")["results"]
    assert first["id"] == cause.id
    assert first["rule"] == "python.gil_contention"
    assert second["explained_by"] == cause.id
    assert first["explains"] == [second["id"]]
    assert first["recommendations"]
    assert ask(f"/findings/{cause.id}") == first


def test_the_first_page_says_where_the_next_begins(ask, cause: Finding) -> None:
    page = ask("/findings?limit=1")
    rest = ask(page["next"].partition("/api/v1")[2])
    assert [each["id"] for each in page["results"]] == [cause.id]
    assert len(rest["results"]) == 1
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("host=web-1", 2),
        ("rule=app.hot_function", 1),
        ("service=service.py", 2),
        ("service=other", 0),
        ("state=resolved", 0),
        ("state=all", 2),
        ("since=-1h", 2),
        ("until=-1d", 0),
        ("until=2020-01-01T00:00:00Z", 0),
    ],
)
def test_filters_choose(ask, cause: Finding, query: str, found: int) -> None:
    assert len(ask(f"/findings?{query}")["results"]) == found


def test_people_act_and_it_is_noted_with_their_name(ask, cause: Finding, operator: User) -> None:
    base = f"/findings/{cause.id}"
    assert ask(f"{base}/acknowledge", user=operator, body={})["acknowledged_by"] == "oskar"
    assert ask(f"{base}/applied", user=operator, body={"note": "two workers"})["applied_at"]
    ask(f"{base}/feedback", user=operator, body={"right": True, "text": "it was"})
    assert ask(f"{base}/mute", user=operator, body={"seconds": 3600, "reason": "known"})["state"] == "muted"
    kinds = list(FindingNote.objects.values_list("kind", "actor"))
    assert kinds == [(kind, "oskar") for kind in ("acknowledge", "applied", "feedback", "mute")]
    assert AuditEntry.objects.filter(actor="oskar").count() == 4
    assert [each["id"] for each in ask("/findings?state=muted")["results"]] == [cause.id]


@pytest.mark.parametrize("action", ["acknowledge", "mute", "applied", "feedback"])
def test_a_viewer_may_not_act(ask, cause: Finding, action: str) -> None:
    ask(f"/findings/{cause.id}/{action}", body={"seconds": 1}, status=403)
    assert not FindingNote.objects.exists()


def test_what_does_not_fit_is_refused_by_field(ask, cause: Finding, operator: User) -> None:
    base = f"/findings/{cause.id}"
    assert "seconds" in ask(f"{base}/mute", user=operator, body={"seconds": -1}, status=422)["errors"]
    assert ask(f"{base}/mute", user=operator, body={}, status=422)["errors"]
    assert ask(f"{base}/feedback", user=operator, body={"right": "yes"}, status=422)["errors"]
    assert "since" in ask("/findings?since=soon", status=422)["errors"]
    assert ask("/findings/01J", status=404)["title"] == "No such finding"
