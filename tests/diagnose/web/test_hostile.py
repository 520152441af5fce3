"""Names and texts come from processes, command lines and people: none of them may become markup or break a page."""

from datetime import UTC, datetime

import pytest

from diagnose.findings.actions import acknowledge
from diagnose.models import Fact, FactChange, Finding, Host, ProbeState, QuarantinedBatch

EVIL = "<script>alert('x')</script>\"'&{{ 7 }}\u202e\x00"[:-1]
NOW = datetime.now(UTC)


@pytest.fixture
def evil(host, faulty, read):
    finding = faulty("small_backlog")
    detail = _poisoned(finding.detail)
    Finding.objects.filter(pk=finding.pk).update(
        headline=EVIL, service=EVIL, rule="x." + EVIL[:70], detail=detail, acknowledged_by=EVIL
    )
    Host.objects.filter(pk=host.pk).update(name=EVIL, agent=EVIL[:40])
    Fact.objects.create(host=host, name=EVIL, value=EVIL, since=NOW)
    FactChange.objects.create(host=host, name=EVIL, before=EVIL, after=EVIL, at=NOW)
    ProbeState.objects.create(host=host, probe=EVIL, ok=False, reason=EVIL, updated_at=NOW)
    QuarantinedBatch.objects.create(host=host, epoch="e", seq=1, error=EVIL, payload=b"")
    where = {"listener": EVIL, "pid": "1", "service": EVIL, "netns": EVIL}
    read("listener_accept_queue_length", [9, 9], **where)
    read("listener_accept_queue_limit", [8, 8], **where)
    read("process_info", [1], pid="1", service=EVIL, name=EVIL, runtime="python3" + EVIL)
    read("process_cpu_seconds_total", [1, 1], counter=True, pid="1", service=EVIL)
    finding.notes.create(actor=EVIL, kind="feedback", text=EVIL)
    return finding


def _poisoned(value):
    """Every text of a finding's detail but the words that are a fixed choice."""
    if isinstance(value, dict):
        kept = {"kind", "role", "metric", "labels", "risk", "restart", "profile"}
        return {key: inner if key in kept else _poisoned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_poisoned(inner) for inner in value]
    return EVIL if isinstance(value, str) else value


@pytest.mark.parametrize(
    "page", ["/", "/hosts", "/findings", "/findings?host=%3Cscript%3E", "/hosts?q=%3Cscript%3E"]
)
def test_lists_escape_what_others_wrote(seen, evil, page):
    assert_harmless(seen.get(page))


def test_the_pages_of_a_host_and_a_finding_escape_what_others_wrote(as_user, operator, evil):
    client = as_user(operator)
    assert_harmless(client.get(f"/hosts/{evil.host_id}"))
    assert_harmless(client.get(f"/findings/{evil.pk}"))
    acknowledge(evil, _actor(operator), EVIL)
    assert_harmless(client.get(f"/findings/{evil.pk}"))


def test_the_names_in_charts_carry_no_markup(seen, evil):
    for address in (f"/hosts/{evil.host_id}/charts", f"/findings/{evil.pk}/charts"):
        for figure in seen.get(address).json()["charts"].values():
            for trace in (figure or {"data": []})["data"]:
                assert "<script" not in trace.get("name", "")


def assert_harmless(answer):
    body = answer.content.decode()
    assert answer.status_code == 200
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert" in body or "%3Cscript" in answer.request["QUERY_STRING"]
    assert "{{ 7 }}" in body or "%3Cscript" in answer.request["QUERY_STRING"]


def _actor(user):
    from diagnose.access.actor import Actor
    from diagnose.models.access import Role

    return Actor(user.username, Role(user.role), None, None, None)
